/** When a block has what it needs of all that it holds, and what becomes of the rest. */
import type { Join, Others } from '../workflow/plan.ts'
import type { StepError } from './transaction.ts'

/** What steps have come to: something of them is open, all have ended, or one has failed that may not. */
export type Went = 'held' | 'settled' | Failed

export interface Failed extends StepError {
  /** The place of what failed among the settled steps. */
  readonly seq: number
}

/** The branches or items of a block, by place. */
export interface Children {
  readonly count: number
  /** How many may be open at once. */
  readonly atOnce: number
  /** What it has come to. `new`: it has not begun, and waits for a place. */
  went(at: number): Went | 'new'
  /** Begins it, or goes on with it. */
  walk(at: number): Went
  /** Begins nothing more of it; true when nothing of it runs any more. */
  stop(at: number): boolean
  /** The place of its end among the settled steps, if it has ended. */
  endSeq(at: number): number
  /** It was just loaded: what had begun may have left no row. */
  readonly isFresh: boolean
}

/** `ok` and an error say what the block has come to; it ends when nothing of it runs any more. */
export function joined(of: Children, rule: Join, others: Others): 'held' | 'ok' | StepError {
  const tally = tallyOf(of)
  const wasOpen = decide(rule, of.count, tally) === 'open'
  for (let at = 0; at < of.count && decide(rule, of.count, tally) === 'open'; at++) {
    const went = of.went(at)
    if (went === 'held' || (went === 'new' && tally.open < of.atOnce)) recount(tally, went, of.walk(at))
  }
  const decided = decide(rule, of.count, tally)
  if (decided === 'open') return 'held'
  if (others === 'finish' && (wasOpen || of.isFresh)) finishBegun(of, of.isFresh ? endedThen(of, rule) : endedOf(tally))
  return isAtRest(of, others) ? decided : 'held'
}

/** So many begin at once, and each end but the deciding one makes room for another: those were begun, and go on. */
function finishBegun(of: Children, ended: number): void {
  const begun = ended === 0 ? 0 : Math.min(of.count, ended - 1 + of.atOnce)
  for (let at = 0; at < begun; at++) if (of.went(at) === 'new') of.walk(at)
}

/** How many had ended when it was decided. */
function endedThen(of: Children, rule: Join): number {
  const ends: { seq: number; went: Went }[] = []
  for (let at = 0; at < of.count; at++) {
    const went = of.went(at)
    if (went !== 'new' && went !== 'held') ends.push({ seq: of.endSeq(at), went })
  }
  const tally = emptyTally()
  for (const { went } of ends.sort((a, b) => a.seq - b.seq)) {
    if (decide(rule, of.count, tally) !== 'open') break
    count(tally, went)
  }
  return endedOf(tally)
}

function endedOf({ ok, failed }: Tally): number {
  return ok + failed
}

interface Tally {
  ok: number
  failed: number
  open: number
  readonly errors: Failed[]
}

function emptyTally(): Tally {
  return { ok: 0, failed: 0, open: 0, errors: [] }
}

function tallyOf(of: Children): Tally {
  const tally = emptyTally()
  for (let at = 0; at < of.count; at++) count(tally, of.went(at))
  return tally
}

function count(tally: Tally, went: Went | 'new'): void {
  if (went === 'held') tally.open++
  else if (went === 'settled') tally.ok++
  else if (went !== 'new') {
    tally.failed++
    tally.errors.push(went)
  }
}

function recount(tally: Tally, before: 'held' | 'new', after: Went): void {
  if (before === 'held') tally.open--
  count(tally, after)
}

function decide(rule: Join, total: number, { ok, failed, errors }: Tally): 'open' | 'ok' | StepError {
  if (rule === 'each') return ok + failed === total ? 'ok' : 'open'
  const needed = rule === 'all' ? total : rule
  if (ok >= needed) return 'ok'
  if (total - failed >= needed) return 'open'
  return (
    deciding(errors, total - needed) ?? {
      code: 'too_few_items',
      message: `${needed} must end well, and there are ${total}`,
    }
  )
}

/** What failed after so many others had. What was cancelled then has failed later. */
function deciding(errors: readonly Failed[], before: number): StepError | undefined {
  return errors.toSorted((a, b) => a.seq - b.seq)[before]
}

function isAtRest(of: Children, others: Others): boolean {
  let isAtRest = true
  for (let at = 0; at < of.count; at++) {
    if (of.went(at) !== 'held') continue
    const rests = others === 'finish' ? of.walk(at) !== 'held' : of.stop(at)
    isAtRest &&= rests
  }
  return isAtRest
}
