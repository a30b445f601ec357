/** Nobody is woken only to wait for a place: as many run as may, over all lanes. */
import { type Clock, sleep } from '../base/clock.ts'
import type { CoordinatorLimits } from './limits.ts'

const fullPauseMs = 20

export async function whileFull(parts: {
  readonly clock: Clock
  readonly limits: CoordinatorLimits
  readonly signal: AbortSignal
  running(): number
}): Promise<void> {
  const { clock, limits, signal } = parts
  while (parts.running() >= limits.runningMax && !signal.aborted) await sleep(clock, fullPauseMs, signal)
}
