/** `npm run bench -- --growth`, and `--language`: row by row, each held to its limit; what is done is kept in `--dir`. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { warmUp } from '../compare.ts'
import type { Ground } from '../ground.ts'
import type { Options } from '../options.ts'
import { load } from '../parts.ts'
import type { Verdict } from '../verdict.ts'
import type { Row } from './row.ts'

interface State {
  /** Of the run they belong to: others are not mixed with them. */
  readonly run: string
  readonly done: Readonly<Record<string, Verdict>>
}

export async function growth(
  ground: Ground,
  rows: readonly Row[],
  options: Options,
  { tell, say }: { tell: (line: string) => void; say: (line: string) => void },
): Promise<Verdict[]> {
  const state = doneBefore(options)
  const done: Record<string, Verdict> = { ...state.done }
  if (rows.some(({ name }) => done[name] === undefined)) await warmUp(ground, load(0), 5, tell)
  for (const row of rows) {
    if (done[row.name] !== undefined) continue
    const { rounds, events, rows: count, minutes, profileDir } = options
    const verdict = await row.run({
      ground,
      rounds: options.quick ? (rounds ?? 1) : rounds,
      events,
      rows: count,
      minutes,
      profileDir,
      tell,
    })
    done[row.name] = verdict
    keep(options, { ...state, done })
    say(`${verdict.passed ? '✔' : '✖'} ${row.name}: ${verdict.measured}`)
  }
  return rows.map(({ name }) => done[name] as Verdict)
}

function doneBefore(options: Options): State {
  const file = fileOf(options)
  const run = JSON.stringify([
    options.mode,
    options.rows,
    options.minutes,
    options.events,
    options.rounds,
    options.quick,
  ])
  if (!options.resume || file === null || !existsSync(file)) return { run, done: {} }
  const state = JSON.parse(readFileSync(file, 'utf8')) as State
  return state.run === run ? state : { run, done: {} }
}

function keep(options: Options, state: State): void {
  const file = fileOf(options)
  if (file === null) return
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(`${file}.new`, file)
}

const fileOf = ({ dir, mode }: Options) => (dir === null ? null : join(dir, `${mode}.json`))
