/** Ids begin with a time, and tables are cut by it: a statement that says between which ids it looks opens no other partitions. */

/** The ids, the lowest and the highest: parameters 1 to 3. */
export function rangeOf(ids: readonly string[]): [readonly string[], string, string] {
  let [low, high] = [ids[0] as string, ids[0] as string]
  for (const id of ids) {
    if (id < low) low = id
    if (id > high) high = id
  }
  return [ids, low, high]
}

/** SQL: what `rangeOf` has found. */
export function between(column: string): string {
  return `${column} between $2::uuid and $3::uuid`
}
