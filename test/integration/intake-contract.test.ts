/** The intake on a real Kafka keeps the contract that the coordinator relies on. */
import { intakeContract } from '../contract/intake.ts'
import { kafkaWorld } from '../support/intake-world.ts'

intakeContract('Kafka', kafkaWorld, { forMs: 20_000, quietMs: 500 })
