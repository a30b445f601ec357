import { setTimeout as sleep } from 'node:timers/promises'
import { EngineError } from './error.ts'

/** Asks `attempt` again and again until it answers without throwing, or gives up with its last error. */
export async function retryFor<T>(
  attempt: () => Promise<T>,
  options: {
    forMs: number
    initialMs?: number
    maxMs?: number
    signal?: AbortSignal
    onRetry?: (error: unknown, nextMs: number) => void
    worthRetrying?: (error: unknown) => boolean
  },
): Promise<T> {
  const endsAt = performance.now() + options.forMs
  let waitMs = options.initialMs ?? 100
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (options.signal?.aborted || options.worthRetrying?.(error) === false) throw error
      if (performance.now() + waitMs > endsAt) throw error
      options.onRetry?.(error, waitMs)
      await sleep(waitMs, undefined, options.signal ? { signal: options.signal } : {})
      waitMs = Math.min(waitMs * 2, options.maxMs ?? 2000)
    }
  }
}

/** Waits until `holds` is true; throws `timed_out` naming what was waited for. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  options: { forMs: number; everyMs?: number },
): Promise<void> {
  const endsAt = performance.now() + options.forMs
  while (!(await holds())) {
    if (performance.now() > endsAt) {
      throw new EngineError('timed_out', `waited ${options.forMs} ms for ${what}`, { retryable: true })
    }
    await sleep(options.everyMs ?? 20)
  }
}
