/**
 * Splits an amount so that the parts sum to it exactly: each gets the whole minor units of its share, and what is left
 * over goes, one unit each, to those with the largest remainders (Hamilton's method; of equals, the first).
 */
export function split(total: number, sharesBp: readonly number[]): number[] {
  const whole = sharesBp.reduce((sum, share) => sum + share, 0)
  if (whole !== 10_000) throw new Error(`shares sum to ${whole} basis points instead of 10,000`)
  const exact = sharesBp.map((share) => BigInt(total) * BigInt(share))
  const parts = exact.map((amount) => Number(amount / 10_000n))
  const left = total - parts.reduce((sum, part) => sum + part, 0)
  const byRemainder = exact.map((amount, at) => ({ at, remainder: amount % 10_000n }))
  byRemainder.sort((a, b) => Number(b.remainder - a.remainder) || a.at - b.at)
  for (const { at } of byRemainder.slice(0, left)) parts[at]! += 1
  return parts
}
