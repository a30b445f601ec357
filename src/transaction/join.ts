/** When a block has what it needs of all that it holds, and what becomes of the rest. */
import type { Join, Others } from '../workflow/plan.ts'
import type { StepError, WentWrong } from './transaction.ts'

/** What steps have come to: something of them is open, all have ended, or one has failed that may not. */
export type Went = 'held' | 'settled' | WentWrong

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
}

/** `ok` and an error say what the block has come to; it ends when nothing of it runs any more. */
export function joined(of: Children, rule: Join, others: Others): 'held' | 'ok' | StepError {
  const tally = tallyOf(of)
  for (let at = 0; at < of.count && decide(rule, of.count, tally) === 'open'; at++) {
    const went = of.went(at)
    if (went === 'held' || (went === 'new' && tally.open < of.atOnce)) recount(tally, went, of.walk(at))
  }
  const decided = decide(rule, of.count, tally)
  if (decided === 'open') return 'held'
  return isAtRest(of, others) ? decided : 'held'
}

interface Tally {
  ok: number
  failed: number
  open: number
  readonly errors: WentWrong[]
}

function tallyOf(of: Children): Tally {
  const tally: Tally = { ok: 0, failed: 0, open: 0, errors: [] }
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
    inOrder(errors)[total - needed] ?? {
      code: 'too_few_items',
      message: `${needed} must end well, and there are ${total}`,
    }
  )
}

/** Which of them was one too many decided it: what was cancelled then has failed after that. */
function inOrder(errors: readonly WentWrong[]): readonly WentWrong[] {
  return errors.toSorted((a, b) => a.seq - b.seq)
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
