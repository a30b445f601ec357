/** Waiting with an end: until somebody says that nobody waits any more, or until the time is over. */
import type { Clock } from './clock.ts'

export interface Patience {
  /** Aborted at the end, whichever it is. */
  readonly signal: AbortSignal
  /** The time is over. */
  readonly isOver: boolean
  /** Resolves when the signal is aborted. */
  readonly ended: Promise<void>
  /** What was waited for is there: nothing is left behind. */
  done(): void
}

export function patience(clock: Clock, ms: number, given: AbortSignal): Patience {
  const own = new AbortController()
  let isOver = false
  const give = () => own.abort()
  const cancel = clock.after(ms, () => {
    isOver = true
    own.abort()
  })
  given.addEventListener('abort', give, { once: true })
  const ended = new Promise<void>((resolve) => own.signal.addEventListener('abort', () => resolve(), { once: true }))
  if (given.aborted) own.abort()
  return {
    signal: own.signal,
    ended,
    get isOver() {
      return isOver
    },
    done() {
      cancel()
      given.removeEventListener('abort', give)
    },
  }
}
