/** What `npm run demo -- …` was asked for. */
import { parseArgs } from 'node:util'
import { EngineError, messageOf } from '../src/base/error.ts'

export interface DemoOptions {
  readonly events: number
  readonly seed: string
  /** Events published a second. */
  readonly rate: number
  readonly json: boolean
  readonly keep: boolean
}

export const help = `npm run demo -- [options]

Starts Kafka, Postgres and a schema registry (unless KAFKA_BROKERS, DATABASE_URL and SCHEMA_REGISTRY_URL name servers),
runs the video workflow on events by Kafka and HTTP, and holds the ledger against the payment provider's own book.

  --events N   how many video requests to publish (1000)
  --rate N     how many of them a second (50)
  --seed S     another audience, other films, other mistakes (1)
  --json       one JSON object instead of the summary
  --keep       leave everything running afterwards, until Ctrl-C
  --help       this text
`

/** Null: only help was asked for. Throws `EngineError` `usage`. */
export function readOptions(words: readonly string[]): DemoOptions | null {
  const { values } = parsed(words)
  if (values.help) return null
  return {
    events: count('--events', values.events, 1, 1_000_000),
    rate: count('--rate', values.rate, 1, 100_000),
    seed: values.seed,
    json: values.json,
    keep: values.keep,
  }
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        events: { type: 'string', default: '1000' },
        rate: { type: 'string', default: '50' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new EngineError('usage', `${messageOf(error)}\n\n${help}`)
  }
}

function count(name: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new EngineError('usage', `${name} ${text}: expected a whole number from ${least} to ${most}`)
}
