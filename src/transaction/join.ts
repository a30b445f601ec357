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
  /** It was just loaded: what had begun may have left no row. */
  readonly isFresh: boolean
  /** How many have come to what. */
  tally(): Tally
  /** Those that are open, in order. */
  open(): readonly number[]
  /** The first that has not begun, and waits for a place; `count`: there is none. */
  next(): number
  /** What has failed, in no particular order. */
  errors(): Failed[]
  /** The places among the settled steps of those that have ended, and whether they ended well. */
  ends(): readonly { readonly seq: number; readonly isOk: boolean }[]
  /** Begins it, or goes on with it. */
  walk(at: number): Went
  /** Begins nothing more of it; true when nothing of it runs any more. */
  stop(at: number): boolean
}

export interface Tally {
  ok: number
  failed: number
  open: number
}

/** `ok` and an error say what the block has come to; it ends when nothing of it runs any more. */
export function joined(of: Children, rule: Join, others: Others): 'held' | 'ok' | StepError {
  const tally = of.tally()
  const isOpen = () => decide(rule, of.count, tally) === 'open'
  const wasOpen = isOpen()
  for (const at of of.open()) {
    if (!isOpen()) break
    tally.open--
    count(tally, of.walk(at))
  }
  for (let at = of.next(); at < of.count && tally.open < of.atOnce && isOpen(); at = of.next())
    count(tally, of.walk(at))
  const decided = decide(rule, of.count, tally)
  if (decided === 'open') return 'held'
  const why = decided === 'ok' ? 'ok' : deciding(of, rule)
  if (others === 'finish' && (wasOpen || of.isFresh))
    finishBegun(of, begunWith(of, of.isFresh ? endedThen(of, rule) : tally))
  return isAtRest(of, others) ? why : 'held'
}

function count(tally: Tally, went: Went): void {
  if (went === 'held') tally.open++
  else if (went === 'settled') tally.ok++
  else tally.failed++
}

function decide(rule: Join, total: number, { ok, failed }: Tally): 'open' | 'ok' | 'failed' {
  if (rule === 'each') return ok + failed === total ? 'ok' : 'open'
  const needed = neededOf(rule, total)
  if (ok >= needed) return 'ok'
  return total - failed >= needed ? 'open' : 'failed'
}

function neededOf(rule: Join, total: number): number {
  return rule === 'all' || rule === 'each' ? total : rule
}

/** What failed after as many others had as may. What is cancelled then fails later. */
function deciding(of: Children, rule: Join): StepError {
  const needed = neededOf(rule, of.count)
  const errors = of.errors().sort((a, b) => a.seq - b.seq)
  const none = { code: 'too_few_items', message: `${needed} must end well, and there are ${of.count}` }
  return errors[of.count - needed] ?? none
}

export function isDecided(of: Children, rule: Join): boolean {
  return decide(rule, of.count, of.tally()) !== 'open'
}

/** How many of them have begun, the first ones: that may have left no row. */
export function begunOf(of: Children, rule: Join): number {
  if (isDecided(of, rule)) return begunWith(of, endedThen(of, rule))
  const { ok, failed } = of.tally()
  return Math.min(of.count, ok + failed + of.atOnce)
}

/** When it was decided: so many begin at once, and each end but the deciding one made room for another. */
function begunWith(of: Children, { ok, failed }: Tally): number {
  return ok + failed === 0 ? 0 : Math.min(of.count, ok + failed - 1 + of.atOnce)
}

/** They go on. */
function finishBegun(of: Children, begun: number): void {
  for (let at = of.next(); at < begun; at = of.next()) of.walk(at)
}

/** What had ended when it was decided. */
function endedThen(of: Children, rule: Join): Tally {
  const tally = { ok: 0, failed: 0, open: 0 }
  for (const { isOk } of of.ends().toSorted((a, b) => a.seq - b.seq)) {
    if (decide(rule, of.count, tally) !== 'open') break
    if (isOk) tally.ok++
    else tally.failed++
  }
  return tally
}

function isAtRest(of: Children, others: Others): boolean {
  let isAtRest = true
  for (const at of of.open()) {
    const rests = others === 'finish' ? of.walk(at) !== 'held' : of.stop(at)
    isAtRest &&= rests
  }
  return isAtRest
}
