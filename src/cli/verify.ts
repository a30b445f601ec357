/** `millrace verify`: is all that Kafka gave in the ledger, once, and is the ledger sound in itself? */
import { EngineError } from '../base/error.ts'
import { createClient } from '../intake/client.ts'
import { isCompacted, readRetained } from '../intake/retained.ts'
import { kafkaSettings } from '../kafka-settings.ts'
import { addressOf } from '../ledger/connect.ts'
import { withSnapshot } from '../ledger/snapshot.ts'
import type { KafkaView } from '../verify/kafka.ts'
import { verify as verifyAll } from '../verify/verify.ts'
import { parseDuration } from '../workflow/duration.ts'
import { databaseUrl, kafkaConfig } from './addresses.ts'
import { Told, usage } from './fail.ts'
import { print, printJson } from './print.ts'
import { explained } from './query.ts'
import { findSealer } from './sealer.ts'
import { withTopics } from './topics.ts'
import { reportLines } from './verify-report.ts'

export interface VerifyCommand {
  readonly topic?: string
  readonly providerBook?: string
  readonly deep?: boolean
  readonly skew: string
  readonly json?: boolean
}

/** Records compared with what was made of them, if not all are. */
const sample = 10_000

export async function verify(command: VerifyCommand): Promise<void> {
  const skewMs = parseDuration(command.skew)
  if (skewMs === null) throw usage(`--skew ${command.skew}: expected a duration such as 1s`)
  const options = {
    topic: command.topic ?? null,
    bookFile: command.providerBook ?? null,
    sample: command.deep ? Number.POSITIVE_INFINITY : sample,
    skewMs,
    sealer: findSealer(),
    progress: progressOn(process.stderr),
  }
  const url = databaseUrl()
  const report = await withKafka((kafka) =>
    explained(
      addressOf(url),
      withSnapshot(url, (ledger) => verifyAll(ledger, kafka, options)),
    ),
  )
  options.progress('')
  if (command.topic !== undefined && report.lanes.length === 0) throw unknownTopic(command.topic)
  if (command.json) printJson(report)
  else for (const line of reportLines(report)) print(line)
  if (!report.ok) throw new Told()
}

async function withKafka<T>(act: (kafka: KafkaView) => Promise<T>): Promise<T> {
  const config = kafkaConfig()
  const client = createClient(kafkaSettings(config))
  return withTopics(config, (topics) => {
    const idOf = async (topic: string) => (await topics.ids([topic])).get(topic)
    return act({
      bounds: async (topic) => ((await idOf(topic)) === undefined ? null : topics.bounds(topic)),
      incarnation: async (topic) => (await idOf(topic)) ?? '',
      isCompacted: (topic) => isCompacted(client, topic),
      read: (spans, take) => readRetained(client, `${config.engine}-verify`, spans, take),
    })
  })
}

/** One line that is written over, where somebody looks. */
function progressOn(terminal: NodeJS.WriteStream): (what: string) => void {
  if (!terminal.isTTY) return () => undefined
  return (what) => terminal.write(`\r\u001b[K${what}`)
}

function unknownTopic(topic: string): EngineError {
  return new EngineError('unknown_topic', `the ledger has no lane of topic ${topic}`, { details: { topic } })
}
