/** SQL for what several checks ask of the small integers in the ledger's tables. */

/** The ledger's numbers in the words of its views. */
export function outcomeText(column: string): string {
  return `(array['skipped', 'ok', 'retry', 'fail', 'timeout', 'crash', 'lost'])[${column} + 1]`
}

export function stateText(column: string): string {
  return `(array['ok', 'skipped', 'failed', 'in_doubt'])[${column}]`
}

/**
 * Whether two commits are of one coordinator: within one, numbers are in the order of time. Its session stands in bits 12
 * to 31, below the seconds; in numbers of older versions it was all of the high half, and no session is as large as seconds.
 */
export function sameSession(a: string, b: string): string {
  const timed = (id: string) => `${id} >> 58 > 0`
  const session = (id: string) => `(${id} >> 12 & 1048575)`
  return `case when ${timed(a)} and ${timed(b)} then ${session(a)} = ${session(b)} else ${a} >> 32 = ${b} >> 32 end`
}

/** Below it ended transactions are pruned: nothing can be said of what is not there. */
export function prunedTransaction(id: string): string {
  return `${id} < (select below_id from millrace_data.horizon)`
}

/** Below it commits, and what goes by them, are pruned. */
export function prunedCommit(id: string): string {
  return `${id} < (select below_commit from millrace_data.horizon)`
}

/**
 * What ran without effects may have gone ahead of the commit before it, and then be written by that very commit: `after`,
 * when it could first run, is before that was sent. It says the contrary when the sending lies between `before`, what it
 * follows from, and `after`; a clock that was set in between says nothing.
 */
export function sentBetween(commit: string, before: string, after: string): string {
  return `exists (select from millrace_data.commit sent where sent.id = ${commit} and sent_at >= ${before} and sent_at < ${after})`
}

/** Whether the clock of one machine, or of two that may be `$n` milliseconds apart, says that `a` was before `b`. */
export function clearlyBefore(a: string, b: string, skew: string): string {
  return `${a} < ${b} - ${skew}::int8 * interval '1 ms'`
}
