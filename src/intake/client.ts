/** The Kafka client: this file and its neighbours are all that know which one it is. */
import { Kafka, type KafkaConfig, type LogEntry, logLevel } from 'kafkajs'
import { publish } from '../telemetry/channels.ts'
import { calm } from './calm.ts'
import { registerCodecs } from './codecs.ts'
import { saslOf } from './login.ts'
import type { KafkaSettings } from './settings.ts'
import { socketsOf } from './wire.ts'

/** A client with every compression that Kafka knows. `patience` is how long it tries by itself. */
export function createClient(
  settings: Omit<KafkaSettings, 'groupId' | 'sessionTimeoutMs'>,
  patience: Pick<KafkaConfig, 'requestTimeout' | 'retry'> = patient,
): Kafka {
  registerCodecs()
  calm()
  const config: KafkaConfig = {
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    // How is up to the sockets; the client only takes note of whether.
    ssl: settings.tls !== false,
    socketFactory: socketsOf(settings),
    connectionTimeout: 3000,
    ...patience,
    logLevel: logLevel.WARN,
    logCreator: () => tell,
  }
  return new Kafka(settings.sasl === null ? config : { ...config, sasl: saslOf(settings.sasl) })
}

const patient = {
  requestTimeout: 15_000,
  retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 5, restartOnFailure: async () => true },
}

/** The client's own words are detail: outages are told by us, once. */
function tell({ log, namespace }: LogEntry): void {
  publish('notice', { level: 'debug', message: `kafkajs ${namespace}: ${log.message}`, error: log.error })
}
