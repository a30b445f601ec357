/** Kafka's own word on topics, for tests that hold the ledger against it. */
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { atEnd } from './at-end.ts'
import { servers } from './servers.ts'

export async function client(): Promise<Kafka> {
  const { brokers } = await servers()
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
}

/** Disconnected when the file is done. */
export async function freshAdmin(): Promise<Admin> {
  const admin = (await client()).admin()
  await admin.connect()
  atEnd(() => admin.disconnect())
  return admin
}

/** With a transactional id it can begin transactions. */
export async function freshProducer(transactionalId?: string): Promise<Producer> {
  const producer = (await client()).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    ...(transactionalId !== undefined && { transactionalId, idempotent: true, maxInFlightRequests: 1 }),
  })
  await producer.connect()
  atEnd(() => producer.disconnect())
  return producer
}

/** CloudEvents in Kafka's binary mode. */
export function cloudEvent(type: string, id: string): Record<string, string> {
  return { ce_specversion: '1.0', ce_id: id, ce_type: type, ce_source: '/test' }
}
