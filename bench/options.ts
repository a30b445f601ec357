/** What `npm run bench -- …` was asked for. */
import { parseArgs } from 'node:util'
import { EngineError, messageOf } from '../src/base/error.ts'

export interface Options {
  readonly mode: 'compare' | 'growth' | 'language' | 'telemetry' | 'idle' | 'commit' | 'http'
  /** Names of parts or rows; null: those that run when nobody says which. */
  readonly only: readonly string[] | null
  readonly full: boolean
  readonly quick: boolean
  readonly rounds: number | null
  readonly events: number | null
  readonly profileDir: string | null
  readonly json: boolean
  readonly out: string | null
  readonly list: boolean
  readonly dir: string | null
  readonly resume: boolean
  readonly rows: number
  readonly minutes: number
  /** Requests a second, and for so long. */
  readonly rate: number
  readonly seconds: number
}

export const help = `npm run bench -- [options]

Measures the engine beside the floor, the fastest hand-written loop that does no more than the necessary: how fast each
drains a topic, how long one event takes from its publishing to the return of the commit that ends it, at 100 and at
1,000 a second, and at what cost. The two take turns; what is printed are medians of several rounds. Starts Kafka and
Postgres, or uses KAFKA_BROKERS and DATABASE_URL if both are set.

  --only NAME    this part alone; several times for several parts
  --full         all parts, not only the main one
  --quick        one round, and short: for a look, not for a figure
  --rounds N     of each side (3)
  --events N     to drain a round (40000; each part has a share of it)
  --profile DIR  a CPU profile of each main process goes there
  --json         one JSON object instead of the tables
  --out FILE     that object into a file, too
  --list         the parts, or with --growth its rows
  --help         this text

  --commit       measures the drains alone and writes their ratio to bench/committed.json, which npm test holds against

  --idle         what an engine without events costs, and how long the first event takes then

  --http         requests at a steady rate on a workflow of one step: how long each waits for its 202, and all in the ledger
    --rate N     a second (2000)
    --seconds N  for so long (60; with --quick 10)

  --growth       the engine's drain rate with much of something against little of it, each row with its limit
    --rows N     transactions in the ledger that is full (10000000)
    --minutes N  of the soak (20)
    --dir DIR    keep the servers' data and what is done there
    --resume     go on after the rows that are done already, in the same --dir with the same options

  --language     what sleeps and waits, and long chains: start and memory with a million that rest, how fast they wake
    --rows N     transactions that rest (1000000); --dir and --resume as above

  --telemetry    the drain with telemetry on against off, at one trace in a hundred and at all of them
`

/** Null: only help was asked for. Throws `EngineError` `usage`. */
export function readOptions(words: readonly string[]): Options | null {
  const { values } = parsed(words)
  if (values.help) return null
  const all = ['growth', 'language', 'telemetry', 'idle', 'commit', 'http'] as const
  const modes = all.filter((mode) => values[mode])
  if (modes.length > 1) throw usage(`--${modes.join(' and --')}: one at a time`)
  if (values.resume && values.dir === undefined) throw usage('--resume: expected --dir, where what is done was kept')
  return {
    mode: modes[0] ?? 'compare',
    only: values.only ?? null,
    full: values.full,
    quick: values.quick,
    rounds: values.rounds === undefined ? null : count('--rounds', values.rounds),
    events: values.events === undefined ? null : count('--events', values.events),
    profileDir: values.profile ?? null,
    json: values.json,
    out: values.out ?? null,
    list: values.list,
    dir: values.dir ?? null,
    resume: values.resume,
    rows: count('--rows', values.rows ?? (modes[0] === 'language' ? '1000000' : '10000000')),
    minutes: count('--minutes', values.minutes),
    rate: count('--rate', values.rate),
    seconds: count('--seconds', values.seconds),
  }
}

/** Those of these names; else those that `otherwise` takes. Throws `EngineError` `usage` at a name that there is not. */
export function chosen<Named extends { readonly name: string }>(
  all: readonly Named[],
  only: readonly string[] | null,
  otherwise: (each: Named) => boolean,
): readonly Named[] {
  if (only === null) return all.filter(otherwise)
  return only.map((name) => {
    const found = all.find((each) => each.name === name)
    if (found) return found
    throw new EngineError('usage', `--only ${name}: expected one of ${all.map((each) => each.name).join(', ')}`)
  })
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        only: { type: 'string', multiple: true },
        full: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        events: { type: 'string' },
        profile: { type: 'string' },
        json: { type: 'boolean', default: false },
        out: { type: 'string' },
        list: { type: 'boolean', default: false },
        commit: { type: 'boolean', default: false },
        idle: { type: 'boolean', default: false },
        growth: { type: 'boolean', default: false },
        language: { type: 'boolean', default: false },
        http: { type: 'boolean', default: false },
        rate: { type: 'string', default: '2000' },
        seconds: { type: 'string', default: '60' },
        telemetry: { type: 'boolean', default: false },
        rows: { type: 'string' },
        minutes: { type: 'string', default: '20' },
        dir: { type: 'string' },
        resume: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw usage(messageOf(error))
  }
}

function count(name: string, text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= 1_000_000_000) return number
  throw usage(`${name} ${text}: expected a whole number from 1`)
}

function usage(message: string): EngineError {
  return new EngineError('usage', `${message} (npm run bench -- --help lists the options)`)
}
