import { createHash } from 'node:crypto'

/** How long to wait before the next attempt. All times in milliseconds. */
export interface Backoff {
  readonly shape: 'exponential' | 'fixed'
  readonly initialMs: number
  readonly maxMs: number
  readonly jitter: boolean
}

/**
 * The delay before attempt `attempt + 1`, after `attempt` (from 1) has failed. Jitter takes the delay down to half
 * of itself, and comes from a hash of `seed`, so that a replay waits exactly as long as the first time.
 */
export function delayMs(backoff: Backoff, attempt: number, seed: string): number {
  const grown = backoff.shape === 'fixed' ? backoff.initialMs : backoff.initialMs * 2 ** Math.min(attempt - 1, 52)
  const capped = Math.min(grown, backoff.maxMs)
  return backoff.jitter ? Math.round(capped * (0.5 + 0.5 * fraction(`${seed}:${attempt}`))) : capped
}

/** From 0 to below 1: chance that a replay meets again. */
export function fraction(seed: string): number {
  return createHash('sha256').update(seed).digest().readUInt32BE(0) / 2 ** 32
}
