import type { Reading } from './arrival.ts'
import type { DedupClaim } from './ports.ts'

/**
 * Copies in one commit point to the first of them, whatever time lies between: one that is no copy, being too far from
 * it, waits for the next commit.
 */
export function claimed({ rows }: Reading, claims: Map<string, DedupClaim>): boolean {
  const own = rows.flatMap((row) => row.dedup ?? [])
  const apart = own.some((claim) => {
    const first = claims.get(claim.key)
    return first !== undefined && Math.abs(first.atUs - claim.atUs) > claim.withinUs
  })
  if (apart) return false
  for (const claim of own) if (!claims.has(claim.key)) claims.set(claim.key, claim)
  return true
}
