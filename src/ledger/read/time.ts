/** Times as text with all their microseconds, which neither JSON nor a JavaScript date could hold. */
export function isoText(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ${column}`
}
