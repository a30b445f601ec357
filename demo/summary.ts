/** What the demo says at its end: data in, text out. */
import type { ChannelRow } from './channels.ts'
import type { Comparison } from './compare.ts'
import type { Endings, FateRow } from './endings.ts'
import { formatMoney } from './money.ts'
import type { Paint } from './paint.ts'
import type { Query } from './queries.ts'
import { type Align, table } from './table.ts'

export interface SummaryData {
  readonly seed: string
  readonly published: number
  /** From the first publication to the last ending. */
  readonly tookMs: number
  /** Transactions by state, in the order to be shown. */
  readonly states: Readonly<Record<string, number>>
  readonly deadLetters: number
  readonly endings: Endings
  readonly channels: readonly ChannelRow[]
  /** The whole first, then the steps in the workflow's order. */
  readonly latency: readonly LatencyRow[]
  readonly money: readonly MoneyRow[]
  readonly comparison: Comparison
  /** Viewing sessions that nobody has ended. */
  readonly openSessions: number
  /** Of the locations that were published, how many are of the trace of their request. */
  readonly traces: { readonly heard: number; readonly traced: number }
  readonly queries: readonly Query[]
}

export interface LatencyRow {
  readonly name: string
  readonly count: number
  /** Milliseconds; null where nothing was measured. */
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

export interface MoneyRow {
  readonly currency: string
  /** Minor units. */
  readonly billed: bigint
  readonly paid: bigint
}

export function summary(data: SummaryData, paint: Paint): string {
  const sections = [
    head(data),
    states(data),
    ways(data),
    fates(data.endings),
    latency(data),
    money(data),
    verdicts(data, paint),
  ]
  const told = [...sections, tries(data.queries, paint)].filter(({ lines }) => lines.length > 0)
  return `${told.map((section) => say(section, paint)).join('\n\n')}\n`
}

interface Section {
  readonly title: string
  readonly lines: readonly string[]
}

function say({ title, lines }: Section, paint: Paint): string {
  return [paint.title(title), ...lines.map((line) => (line === '' ? '' : `  ${line}`))].join('\n')
}

function head({ seed, published, tookMs }: SummaryData): Section {
  const perSecond = tookMs > 0 ? Math.round((published * 1000) / tookMs) : published
  const line = `${whole(published)} events, all ended after ${seconds(tookMs)} (${whole(perSecond)} a second), seed ${seed}`
  return { title: 'Millrace demo', lines: [line] }
}

function states({ states, deadLetters }: SummaryData): Section {
  const rows = Object.entries(states).map(([state, count]) => [state, whole(count)])
  const all = [...rows, ['dead letters', whole(deadLetters)]]
  return { title: 'Transactions by state', lines: table(all, ['left', 'right']) }
}

function ways({ channels }: SummaryData): Section {
  const rows = channels.filter(({ answered }) => answered === null).map(({ title, sent }) => [title, whole(sent)])
  const told = channels.flatMap(({ sent, answered }) => {
    if (answered === null) return []
    const { count, located, p50, p99 } = answered
    const times = `p50 ${ms(p50)}, p99 ${ms(p99)}`
    return [
      `${whole(count)} of ${whole(sent)} over HTTP were answered, ${whole(located)} with where their film is: ${times}`,
    ]
  })
  return { title: 'Which way they came', lines: [...table(rows, ['left', 'right']), ...told] }
}

function fates({ rows }: Endings): Section {
  const header = ['request', 'should end', 'published', 'did so', '']
  const lines = table([header, ...rows.map(fateCells)], ['left', 'left', 'right', 'right', 'left'])
  return { title: 'Wrong on purpose, and what became of it', lines }
}

function fateCells({ title, expected, published, asExpected, otherwise }: FateRow): string[] {
  const instead = Object.entries(otherwise).map(([what, count]) => `${whole(count)} ${what}`)
  return [title, expected, whole(published), whole(asExpected), instead.join(', ')]
}

function latency({ latency }: SummaryData): Section {
  const header = ['', 'count', 'p50', 'p95', 'p99']
  const rows = latency.map(({ name, count, p50, p95, p99 }) => [name, whole(count), ...[p50, p95, p99].map(ms)])
  const align: Align[] = ['left', 'right', 'right', 'right', 'right']
  return { title: 'Latency', lines: rows.length === 0 ? [] : table([header, ...rows], align) }
}

function money({ money }: SummaryData): Section {
  const header = ['', 'billed', 'paid']
  const sums = money.map(({ currency, billed, paid }) => [currency, amount(billed, currency), amount(paid, currency)])
  return { title: 'Money', lines: sums.length === 0 ? [] : table([header, ...sums], ['left', 'right', 'right']) }
}

function verdicts({ endings, comparison, openSessions, traces }: SummaryData, paint: Paint): Section {
  const movements = `${whole(comparison.movements)} movements of money`
  const lines = [
    verdict(endings.eachOnce, 'the ledger has each published event exactly once', paint),
    verdict(endings.asExpected, 'each request ended as it should', paint),
    verdict(comparison.agrees, `the ledger agrees with the payment provider’s book, ${movements}`, paint),
    verdict(
      openSessions === 0,
      `every session that was started is ended${openSessions ? `, but ${openSessions}` : ''}`,
      paint,
    ),
    verdict(
      traces.traced === traces.heard,
      `one trace leads from each request to what was published: ${whole(traces.traced)} of ${whole(traces.heard)} locations`,
      paint,
    ),
    ...comparison.differences.slice(0, differencesShown).map((one) => paint.bad(`- ${one.transactionId}: ${one.text}`)),
  ]
  const more = comparison.differences.length - differencesShown
  return { title: 'Agreement', lines: more > 0 ? [...lines, paint.bad(`- and ${whole(more)} more`)] : lines }
}

/** The first few tell what kind of fault it is. */
const differencesShown = 10

function verdict(holds: boolean, claim: string, paint: Paint): string {
  return holds ? `${paint.good('yes')} ${claim}` : `${paint.bad('NO ')} ${claim}`
}

function tries(queries: readonly Query[], paint: Paint): Section {
  const lines = queries.flatMap(({ question, sql }) => ['', paint.dim(`-- ${question}`), ...sql.split('\n')])
  return { title: 'Queries to try', lines: lines.slice(1) }
}

function whole(count: number): string {
  return count.toLocaleString('en')
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

/** Three digits are as many as anybody compares. */
function ms(value: number | null): string {
  if (value === null) return '-'
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0
  return `${value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ms`
}

/** Without the currency's code, which the row begins with. */
function amount(minor: bigint, currency: string): string {
  return formatMoney(minor, currency).replace(`${currency} `, '')
}
