/**
 * `npm run simulate -- [--seeds N] [--seed S] [--trace] [--bail] [--json]`: seeds from S on, one after the other. Prints what was
 * met how often, and for each seed that failed the command that replays it; ends with 1 if one did; with `--bail`, at
 * the first one.
 */
import { optionsOf, usageError } from '../../scripts/options.ts'
import { Coverage } from './coverage.ts'
import { type Outcome, run } from './run.ts'
import { blindOf, tableOf } from './table.ts'

const help = `npm run simulate -- [options]

Runs whole worlds in one process and no time, each decided by its seed alone: what is met how often, and for each seed that
failed the command that replays it. Ends with 1 if one did.

  --seeds N   how many (500; 1 when --seed is given)
  --seed S    from this one on (1)
  --trace     print all that happens
  --bail      end at the first that fails
  --json      one JSON object instead of the tables
  --help      this text`

const { values } = optionsOf(help, {
  seeds: { type: 'string' },
  seed: { type: 'string' },
  trace: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  bail: { type: 'boolean', default: false },
})

/** A minute's worth, when nothing is said. */
const seedsDefault = 500

async function main(): Promise<void> {
  const first = wholeNumber('seed', values.seed, 1)
  const count = wholeNumber('seeds', values.seeds, values.seed === undefined ? seedsDefault : 1)
  const report = await simulate(first, count)
  if (values.json) console.log(JSON.stringify(report.figures))
  else print(report)
  process.exitCode = report.failed.length > 0 ? 1 : 0
}

function wholeNumber(name: string, text: string | undefined, without: number): number {
  const number = text === undefined ? without : Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  return usageError(`--${name} ${text}: expected a whole number`, help)
}

async function simulate(first: number, count: number) {
  const startedMs = performance.now()
  const startedCpu = process.cpuUsage()
  const coverage = new Coverage()
  const failed: Outcome[] = []
  let steps = 0
  let transactions = 0
  let ran = 0
  for (let seed = first; seed < first + count; seed++) {
    ran++
    const outcome = await runAgain(await run(seed, values.trace ? console.log : null))
    coverage.add(outcome.met)
    steps += outcome.steps
    transactions += outcome.transactions
    if (outcome.failure) failed.push(outcome)
    if (outcome.failure && !values.json) tell(outcome)
    if (outcome.failure && values.bail) break
  }
  const seconds = (performance.now() - startedMs) / 1000
  const { user, system } = process.cpuUsage(startedCpu)
  const cpuSeconds = (user + system) / 1e6
  return {
    coverage,
    failed,
    figures: figuresOf({ first, count: ran, seconds, cpuSeconds, steps, transactions, failed, coverage }),
  }
}

/** Now and then twice: a run that its seed does not determine cannot be replayed, and hides what it found. */
async function runAgain(first: Outcome): Promise<Outcome> {
  if (first.seed % againEvery !== 0 || first.failure) return first
  const second = await run(first.seed)
  if (second.hash === first.hash) return first
  const promise = 'the same seed is the same run'
  return { ...first, failure: { promise, message: `${promise}: ${first.hash} is ${second.hash} the second time` } }
}

const againEvery = 25

function figuresOf(sums: {
  first: number
  count: number
  seconds: number
  cpuSeconds: number
  steps: number
  transactions: number
  failed: readonly Outcome[]
  coverage: Coverage
}) {
  const { first, count, seconds, cpuSeconds, steps, transactions, failed, coverage } = sums
  return {
    seeds: count,
    first,
    seconds: Math.round(seconds * 10) / 10,
    seedsPerMinute: Math.round((count / seconds) * 60),
    /** What a core of its own would do, however busy the machine is. */
    seedsPerCpuMinute: Math.round((count / cpuSeconds) * 60),
    steps,
    transactions,
    failed: failed.map(({ seed, hash, failure }) => ({ seed, hash, ...failure, replay: replayOf(seed) })),
    met: Object.fromEntries(coverage.met),
    blind: blindOf(coverage),
  }
}

function tell({ seed, hash, failure }: Outcome): void {
  console.log(`\nseed ${seed} (trace ${hash}) broke a promise: ${failure?.message}\n  ${replayOf(seed)}\n`)
}

function replayOf(seed: number): string {
  return `npm run simulate -- --seed ${seed} --trace`
}

function print({ coverage, figures, failed }: Awaited<ReturnType<typeof simulate>>): void {
  const { seeds, seconds, seedsPerMinute, seedsPerCpuMinute, steps, transactions, blind } = figures
  if (seeds > 1) console.log(tableOf(coverage))
  if (seeds > 1) console.log(`${blind.length} pairs that could be met were not${blind.length > 0 ? ' (blind)' : ''}`)
  const per = (sum: number) => Math.round(sum / Math.max(seeds, 1))
  console.log(
    `${seeds} seeds in ${seconds} s, ${seedsPerMinute} a minute (${seedsPerCpuMinute} on a core of its own); ${per(steps)} events and ${per(transactions)} transactions each`,
  )
  console.log(
    failed.length === 0
      ? 'every promise was kept'
      : `${failed.length} seeds failed: ${failed.map(({ seed }) => seed).join(' ')}`,
  )
}

await main()
