/** What `npm run faults -- …` was asked for. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crashPoints } from '../../src/base/crash-point.ts'
import { EngineError, messageOf } from '../../src/base/error.ts'
import type { Row } from './row.ts'

export interface Options {
  readonly rows: readonly Row[]
  /** Null: each row's own. */
  readonly rounds: number | null
  readonly events: number
  /** Of the row `crash-points`: these places alone; null: all. */
  readonly points: readonly string[] | null
  readonly seed: string
  readonly json: boolean
  readonly list: boolean
  readonly resume: boolean
  readonly stateFile: string
}

export const help = `npm run faults -- [options]

Starts Kafka, Postgres, a payment provider and coordinators, makes one fault a row while events flow, and holds the
ledger and the provider's book against what Kafka holds. Ends 0 only if nothing is lost, doubled, out of order or
charged twice, and work goes on in time.

  --only NAME   this row alone; several times for several rows
  --rounds N    how often each row makes its fault (each row has a number of its own)
  --events N    how many events to publish a round, at least (500)
  --point NAME  of the row crash-points this place alone; several times for several places
  --seed S      other choices of whom and when (1)
  --json        one JSON object instead of the table
  --list        the rows and what they do
  --long        also the rows of the long form
  --resume      go on after the rows that are done already, with the same options
  --state FILE  where the state of a run is kept (in the folder for temporary files)
  --help        this text
`

/** Null: only help was asked for. Throws `EngineError` `usage`. */
export function readOptions(words: readonly string[], rows: readonly Row[]): Options | null {
  const { values } = parsed(words)
  if (values.help) return null
  return {
    rows: chosen(values.only, values.long, rows),
    rounds: values.rounds === undefined ? null : count('--rounds', values.rounds),
    events: count('--events', values.events),
    points: pointsOf(values.point),
    seed: values.seed,
    json: values.json,
    list: values.list,
    resume: values.resume,
    stateFile: values.state,
  }
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        events: { type: 'string', default: '500' },
        point: { type: 'string', multiple: true },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        long: { type: 'boolean', default: false },
        resume: { type: 'boolean', default: false },
        state: { type: 'string', default: join(tmpdir(), 'millrace-faults-state.json') },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new EngineError('usage', `${messageOf(error)}\n\n${help}`)
  }
}

function chosen(only: readonly string[] | undefined, long: boolean, rows: readonly Row[]): readonly Row[] {
  if (only === undefined) return rows.filter((row) => long || !row.long)
  return only.map((name) => {
    const row = rows.find((each) => each.name === name)
    if (row) return row
    throw new EngineError('usage', `--only ${name}: expected one of ${rows.map((each) => each.name).join(', ')}`)
  })
}

function pointsOf(names: readonly string[] | undefined): readonly string[] | null {
  const unknown = names?.find((name) => !crashPoints.some((point) => point === name))
  if (unknown === undefined) return names ?? null
  throw new EngineError('usage', `--point ${unknown}: expected one of ${crashPoints.join(', ')}`)
}

function count(name: string, text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= 10_000_000) return number
  throw new EngineError('usage', `${name} ${text}: expected a whole number from 1`)
}
