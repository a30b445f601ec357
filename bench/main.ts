/** `npm run bench`: the engine beside the floor, in one run; see `--help` and RESULTS.md. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { Progress } from '../demo/progress.ts'
import { EngineError, messageOf } from '../src/base/error.ts'
import { commit, measureSmoke } from './commit.ts'
import { type Compared, compare, warmUp } from './compare.ts'
import { Ground } from './ground.ts'
import { growth } from './growth/main.ts'
import type { Row } from './growth/row.ts'
import { rows as growthRows } from './growth/rows.ts'
import { http } from './http/main.ts'
import { idle } from './idle.ts'
import { rows as languageRows } from './language/rows.ts'
import { chosen, help, type Options, readOptions } from './options.ts'
import { load, type Part, parts } from './parts.ts'
import { circumstances, tablesOf } from './report.ts'
import { rows as telemetryRows } from './telemetry/rows.ts'
import { type Verdict, verdictTable } from './verdict.ts'

const progress = new Progress(process.stderr)
const roundsDefault = 3
const eventsDefault = 40_000

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options === null) return void process.stdout.write(help)
  const all = rowsOf[options.mode] ?? parts
  if (options.list) return void process.stdout.write(all.map(({ name, about }) => `${name}\n  ${about}\n`).join(''))
  if (options.dir !== null) mkdirSync(options.dir, { recursive: true })
  if (options.profileDir !== null) mkdirSync(options.profileDir, { recursive: true })
  await modes[options.mode](options)
}

const modes: Readonly<Record<Options['mode'], (options: Options) => Promise<void>>> = {
  async compare(options) {
    const picked = chosen(parts, options.only, (part) => options.full || part.name === 'main')
    report(await onGround(options, (ground) => compareAll(ground, picked, options)), options)
  },
  async commit(options) {
    const measured = await onGround(options, async (ground) => {
      await warmUp(ground, load(0), 5, tell)
      return measureSmoke(ground, options.rounds ?? 7, tell)
    })
    commit(measured)
    process.stdout.write(`${tablesOf([measured]).join('\n')}\n`)
  },
  async idle(options) {
    const [seconds, wakes] = options.quick ? [10, 3] : [30, 7]
    tellVerdicts(await onGround(options, (ground) => idle(ground, seconds, wakes, tell)), options)
  },
  async http(options) {
    const { rate, quick, profileDir } = options
    const asked = { perSecond: rate, seconds: quick ? 10 : options.seconds }
    tellVerdicts(await onGround(options, (ground) => http(ground, asked, profileDir, tell)), options)
  },
  growth: (options) => rowByRow(growthRows, options),
  language: (options) => rowByRow(languageRows, options),
  telemetry: (options) => rowByRow(telemetryRows, options),
}

const rowsOf: Partial<Record<Options['mode'], readonly Row[]>> = {
  growth: growthRows,
  language: languageRows,
  telemetry: telemetryRows,
}

async function rowByRow(rows: readonly Row[], options: Options): Promise<void> {
  const picked = chosen(rows, options.only, () => true)
  const say = (line: string) => progress.say(line)
  tellVerdicts(await onGround(options, (ground) => growth(ground, picked, options, { tell, say })), options)
}

function tellVerdicts(verdicts: readonly Verdict[], { json, out }: Options): void {
  const text = `${JSON.stringify({ ...circumstances(), rows: verdicts }, null, 2)}\n`
  if (out !== null) writeFileSync(out, text)
  process.stdout.write(json ? text : `${verdictTable(verdicts).join('\n')}\n`)
  process.exitCode = verdicts.every(({ passed }) => passed) ? 0 : 1
}

async function onGround<Result>(options: Options, act: (ground: Ground) => Promise<Result>): Promise<Result> {
  const ground = await Ground.start(options.dir, tell)
  try {
    return await Promise.race([act(ground), interruption()])
  } finally {
    progress.clear()
    await ground.stop()
  }
}

function tell(line: string): void {
  progress.show(line)
}

async function compareAll(ground: Ground, picked: readonly Part[], options: Options): Promise<Compared[]> {
  const all: Compared[] = []
  const events = options.events ?? (options.quick ? eventsDefault / 2 : eventsDefault)
  const cases = picked.flatMap((part) => part.cases(events, options.quick).map((each) => ({ part, each })))
  const rounds = options.rounds ?? (options.quick ? 1 : roundsDefault)
  await warmUp(ground, (cases[0] as (typeof cases)[0]).each.load, options.quick ? 5 : 12, tell)
  for (const { part, each } of cases) {
    const compared = await compare(ground, part, each, { rounds, profileDir: options.profileDir, tell })
    all.push(compared)
    progress.say(`${part.name}, ${each.label}: ${compared.ratio.toFixed(2)} of the floor`)
  }
  return all
}

function report(all: readonly Compared[], { json, out, quick }: Options): void {
  const text = `${JSON.stringify({ ...circumstances(), quick, compared: all }, null, 2)}\n`
  if (out !== null) writeFileSync(out, text)
  progress.clear()
  process.stdout.write(json ? text : `${tablesOf(all).join('\n')}\n`)
}

/** Rejects when somebody asks to stop: what was started then goes. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(name, () => reject(new Error(`interrupted by ${name}`)))
    }
  })
}

try {
  await main()
} catch (error) {
  progress.clear()
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = error instanceof EngineError && error.code === 'usage' ? 2 : 1
}
// What an interrupted round has started is gone with its servers, or killed here.
process.exit()
