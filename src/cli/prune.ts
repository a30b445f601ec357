/** `millrace prune`: room for what comes, and what is old enough goes. */
import { loadConfig } from '../config.ts'
import { connect } from '../ledger/connect.ts'
import { type Dropped, type PruneReport, prune as pruneLedger } from '../ledger/room/prune.ts'
import { formatDuration, guessDuration, parseDuration } from '../workflow/duration.ts'
import { databaseUrl } from './addresses.ts'
import { Told, usage } from './fail.ts'
import { print, printJson } from './print.ts'
import { counted } from './problems.ts'
import { explained } from './query.ts'

export interface PruneCommand {
  readonly keep: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

export async function prune({ keep, dryRun = false, json }: PruneCommand): Promise<void> {
  const keepMs = keepOf(keep)
  const answerMsMax = Math.max(loadConfig()['postgres.answerTimeout'], 10 * 60_000)
  // One connection: it holds the lock that keeps a second run out.
  const db = connect({ databaseUrl: databaseUrl(), connectionsMax: 1, answerMsMax })
  try {
    const report = await explained(db.address, pruneLedger(db, { keepMs, dryRun }))
    if (json) printJson(report)
    else for (const line of lines(report)) print(line)
    if (report.problem !== null) throw new Told()
  } finally {
    await db.end()
  }
}

/**
 * A day: ids may begin an hour before the record came, published messages stay for a day, and what a commit wrote must be
 * older than the commit for every clock there is.
 */
const keepMsMin = 86_400_000

function keepOf(text: string): number {
  const keepMs = parseDuration(text)
  if (keepMs === null) {
    const guess = guessDuration(text)
    throw usage(`--keep ${text}: expected a duration such as 30d${guess ? `; did you mean ${guess}?` : ''}`)
  }
  if (keepMs < keepMsMin) throw usage(`--keep ${text}: at least ${formatDuration(keepMsMin)} must be kept`)
  return keepMs
}

function lines(report: PruneReport): string[] {
  const { dryRun, before, made, dropped, leftovers, rows, problem, tookMs } = report
  const removed = Object.entries(rows ?? {}).filter(([, count]) => count > 0)
  return [
    ...made.map(({ tables, tookMs: ms }) => `made     ${tables.join(', ')}: ${Math.round(ms)} ms`),
    ...leftovers.map((table) => `dropped  ${table}, left by a run that was killed`),
    ...dropped.flatMap((each) => droppedLines(each, dryRun)),
    ...removed.map(([name, count]) => `removed  ${counted(count, 'row')} of old ${name}`),
    ...(problem === null ? [] : [`stopped  ${problem}`]),
    `${dryRun ? 'nothing was changed; would keep' : 'kept'} what is open or ended after ${before} (${(tookMs / 1000).toFixed(1)} s)`,
  ]
}

/** So many ids are named; `--json` has all. */
const shownMax = 10

function droppedLines({ tables, transactions, kept, took, to }: Dropped, dryRun: boolean): string[] {
  const what = transactions === null ? '' : ` with ${counted(transactions, 'transaction')}`
  const time =
    took === null ? '' : `: ${took.dropMs + took.lockMs} ms (locked for ${took.lockMs}, read for ${took.lookMs} before)`
  const more = kept.length > shownMax ? [`  kept   and ${kept.length - shownMax} more (\`--json\` names all)`] : []
  return [
    `${dryRun ? 'would drop' : 'dropped '} ${tables.join(', ')} (to ${to.slice(0, 10)})${what}${time}`,
    ...kept.slice(0, shownMax).map(({ id, why }) => `  kept   ${id}: ${reasons[why]}`),
    ...more,
  ]
}

const reasons = {
  running: 'running',
  in_doubt: 'in doubt',
  ended_lately: 'ended since',
  related: 'of an open one',
} as const
