/** Text that ends in the ledger, on both sides of the pipe. */

/** As Postgres can hold it: NUL shown as the sign for it, half surrogate pairs as the replacement character. */
export function storable(text: string): string {
  return text.replaceAll('\u0000', '\u2400').replace(/\p{Surrogate}/gu, '\uFFFD')
}
