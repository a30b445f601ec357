/** Ctrl-C and its like: the first asks to stop, the second does not ask. */
import { constants } from 'node:os'

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

export interface Interruption extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal
  /** Resolves with it. */
  readonly came: Promise<void>
}

/** Listens until it is disposed of. Servers and workers are on a leash: an end at once leaves none behind. */
export function onInterruption(): Interruption {
  const controller = new AbortController()
  const came = new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve()))
  const listener = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(128 + constants.signals[name])
    controller.abort()
  }
  for (const name of signals) process.on(name, listener)
  const dispose = () => {
    for (const name of signals) process.off(name, listener)
  }
  return { signal: controller.signal, came, [Symbol.dispose]: dispose }
}

/** Does the act; what it throws because it was interrupted is no failure. */
export async function untilInterrupted(act: (interruption: Interruption) => Promise<void>): Promise<void> {
  using interruption = onInterruption()
  try {
    await act(interruption)
  } catch (error) {
    if (!interruption.signal.aborted) throw error
  }
}
