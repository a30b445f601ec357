/** Rows of several transactions, by transaction. */

export interface Of<T> {
  of(transactionId: string): readonly T[]
}

const none: readonly never[] = Object.freeze([])
export const nothing: Of<never> = { of: () => none }

/** In the order in which they came. */
export function byTransaction<Row extends { readonly transaction_id: string }, T>(
  rows: readonly Row[],
  recordOf: (row: Row) => T,
): Of<T> {
  if (rows.length === 0) return nothing
  const groups = new Map<string, T[]>()
  for (const row of rows) {
    const own = groups.get(row.transaction_id)
    if (own) own.push(recordOf(row))
    else groups.set(row.transaction_id, [recordOf(row)])
  }
  return { of: (id) => groups.get(id) ?? none }
}
