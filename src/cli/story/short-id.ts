/** Enough of a transaction's id to tell it, and short enough for a line. */
const chars = 18

export function shortId(id: string): string {
  return id.slice(0, chars)
}
