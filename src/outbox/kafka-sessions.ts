/** Sessions of real Kafka, with one connection among them for questions. */
import type { Admin, Kafka } from 'kafkajs'
import type { OutboxLane } from '../coordinator/ports.ts'
import type { Sealer } from '../envelope/seal.ts'
import { kafkaError } from './failure.ts'
import { openSession } from './kafka-session.ts'
import type { OutboxLimits } from './limits.ts'
import type { Session, Sessions } from './session.ts'

export interface KafkaSessionsParts {
  readonly engine: string
  readonly kafka: Kafka
  /** Null: no seal key. */
  readonly sealer: Sealer | null
  readonly limits: OutboxLimits
}

export class KafkaSessions implements Sessions {
  readonly #parts: KafkaSessionsParts
  #admin: Promise<Admin> | undefined

  constructor(parts: KafkaSessionsParts) {
    this.#parts = parts
  }

  /** After a failure the next one asks through a connection of its own: one that hangs is not met again. */
  async open(lane: OutboxLane): Promise<Session> {
    this.#admin ??= connected(this.#parts.kafka)
    const admin = this.#admin
    try {
      return await openSession(lane, { ...this.#parts, admin: await admin })
    } catch (error) {
      if (this.#admin === admin) this.#admin = undefined
      void disconnect(admin)
      throw kafkaError(error)
    }
  }

  async stop(): Promise<void> {
    const admin = this.#admin
    this.#admin = undefined
    if (admin) await disconnect(admin)
  }
}

async function connected(kafka: Kafka): Promise<Admin> {
  const admin = kafka.admin()
  await admin.connect()
  return admin
}

async function disconnect(admin: Promise<Admin>): Promise<void> {
  try {
    await (await admin).disconnect()
  } catch {
    // It was never there, or is gone already.
  }
}
