import { createClient } from './client.ts'
import { type KafkaSettings, probeMs } from './settings.ts'
import { Topics } from './topics.ts'

/**
 * Asks each broker once whether it answers at all. Who starts has patience and words of their own for the case that none
 * does; the client would try for long, and in silence. Throws `EngineError` `kafka_outage`.
 */
export async function probe(settings: KafkaSettings): Promise<void> {
  const retries = settings.brokers.length - 1
  const client = createClient(settings, { requestTimeout: probeMs, retry: { retries, initialRetryTime: 50 } })
  const topics = new Topics(client, settings.brokers.join(','))
  try {
    await topics.connect()
    await topics.existing()
  } finally {
    await topics.disconnect()
  }
}
