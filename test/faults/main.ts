/** `npm run faults`: real servers, real coordinators, real kills; see docs/reliability.md. */
import { Progress } from '../../demo/progress.ts'
import { EngineError, messageOf } from '../../src/base/error.ts'
import { Grounds } from './grounds.ts'
import { help, type Options, readOptions } from './options.ts'
import { Random } from './random.ts'
import { failuresOf, figures, type Result, tableOf } from './report.ts'
import { joined, type Row } from './row.ts'
import { rows } from './rows.ts'
import { doneBefore, keep } from './state.ts'

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), rows)
  if (options === null) return void process.stdout.write(help)
  if (options.list) return void process.stdout.write(rows.map((row) => `${row.name}\n  ${row.about}\n`).join(''))
  const progress = new Progress(process.stderr)
  const results = doneBefore(options)
  const grounds = new Grounds()
  const interrupted = interruption()
  try {
    for (const row of options.rows) {
      if (results.some((result) => result.fault === row.name)) continue
      const result = await Promise.race([runRow(row, options, grounds, progress), interrupted])
      results.push(result)
      keep(options, results)
      progress.say(`${result.problems.length === 0 ? '✔' : '✖'} ${row.name} (${Math.round(result.seconds)} s)`)
      for (const problem of result.problems.slice(0, 5)) progress.say(`    ${problem}`)
    }
  } finally {
    await grounds.stop(results.some((result) => result.problems.length > 0))
  }
  print(results, options)
}

async function runRow(row: Row, options: Options, grounds: Grounds, progress: Progress): Promise<Result> {
  const since = performance.now()
  progress.show(`${row.name}: the servers start`)
  const room = {
    ground: await grounds.for(row),
    rounds: options.rounds ?? row.rounds,
    events: options.events,
    points: options.points,
    random: new Random(`${options.seed} ${row.name}`),
    tell: (text: string) => progress.show(`${row.name}: ${text}`),
  }
  const outcome = await row
    .run(room)
    .catch((error) => ({ ...joined([]), problems: [`not judged: ${messageOf(error)}`] }))
  return { fault: row.name, seconds: (performance.now() - since) / 1000, ...outcome }
}

function print(results: readonly Result[], { json, seed }: Options): void {
  const all = figures(results, seed)
  if (json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`)
  else process.stdout.write(`${[...tableOf(all), '', ...failuresOf(all)].join('\n')}\n`)
  process.exitCode = all.ok ? 0 : 1
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
  const isUsage = error instanceof EngineError && error.code === 'usage'
  process.stderr.write(`${isUsage ? error.message : messageOf(error)}\n`)
  process.exitCode = isUsage ? 2 : 1
}
// Coordinators of an interrupted row are gone with their servers, or killed here.
process.exit()
