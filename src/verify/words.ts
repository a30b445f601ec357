/** SQL for what several checks ask of the small integers in the ledger's tables. */

/** The ledger's numbers in the words of its views. */
export function outcomeText(column: string): string {
  return `(array['skipped', 'ok', 'retry', 'fail', 'timeout', 'crash', 'lost'])[${column} + 1]`
}

export function stateText(column: string): string {
  return `(array['ok', 'skipped', 'failed', 'in_doubt'])[${column}]`
}

/** The high half of a commit's number is its coordinator's session: within one, numbers are in the order of time. */
export function sameSession(a: string, b: string): string {
  return `${a} >> 32 = ${b} >> 32`
}

/** Whether the clock of one machine, or of two that may be `$n` milliseconds apart, says that `a` was before `b`. */
export function clearlyBefore(a: string, b: string, skew: string): string {
  return `${a} < ${b} - ${skew}::int8 * interval '1 ms'`
}
