/** Time as everything above meets it, so that a simulation can put its own in its place. */
export interface Clock {
  /** Microseconds since 1970-01-01 UTC, as an integer (exact below 2^53); monotone between corrections of the host's clock. */
  nowUs(): number
  /** Microseconds since some moment, which no correction of the host's clock moves: how long something has taken. */
  steadyUs(): number
  /** Calls `act` once when so many milliseconds have passed, at most 2^31; the answer takes it back. */
  after(ms: number, act: () => void): () => void
}

/** Ends after so long, or as soon as `signal` is aborted. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    signal.addEventListener('abort', end, { once: true })
  })
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
    steadyUs: () => Math.round(performance.now() * 1000),
    after(ms, act) {
      const timer = setTimeout(act, ms)
      return () => clearTimeout(timer)
    },
  }
}
