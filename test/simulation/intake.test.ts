/** The simulated Kafka and its intake are held to what the real ones are. */
import { intakeContract } from '../contract/intake.ts'
import { simulatedWorld } from './kafka-world.ts'

intakeContract('simulated Kafka', simulatedWorld, { forMs: 5000, quietMs: 50 })
