/** Wall-clock time with microseconds, monotone between corrections of the host's clock. */
export interface Clock {
  /** Microseconds since 1970-01-01 UTC, as an integer (exact below 2^53). */
  nowUs(): number
}

/** A host clock that was set by more than this is followed; less than this is jitter of reading two clocks. */
const driftMsMax = 20

/** The host's clock: steady like `performance.now()`, corrected when the wall clock is set. */
export function systemClock(): Clock {
  let anchorMs = performance.timeOrigin
  return {
    nowUs() {
      const wallMs = Date.now()
      const steadyMs = anchorMs + performance.now()
      if (Math.abs(wallMs - steadyMs) <= driftMsMax) return Math.round(steadyMs * 1000)
      anchorMs += wallMs - steadyMs
      return wallMs * 1000
    },
  }
}
