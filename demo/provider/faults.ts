/** How the provider misbehaves when it is told to: for which share of the requests, and in what way. */
import { z } from 'zod'
import { fractionOf } from '../world/random.ts'

export const faultsSchema = z.strictObject({
  /** slow: answers late. fail: answers 503 and does nothing. lose-connection: does it, then hangs up unanswered. */
  mode: z.enum(['ok', 'slow', 'fail', 'lose-connection']),
  /** Of the requests, from 0 to 1. */
  share: z.number().min(0).max(1).default(1),
  /** How late a slow answer is; at most a minute, longer than any caller waits. */
  delayMs: z.int().min(0).max(60_000).default(500),
  seed: z.union([z.string(), z.number()]).default(0),
})
export type Faults = z.infer<typeof faultsSchema>

export const noFaults: Faults = faultsSchema.parse({ mode: 'ok' })

/** Decides by key and by how often it was asked, so that the order in which requests arrive does not matter. */
export class FaultPlan {
  readonly #faults: Faults
  readonly #asked = new Map<string, number>()

  constructor(faults: Faults) {
    this.#faults = faults
  }

  get faults(): Faults {
    return this.#faults
  }

  next(key: string): Faults['mode'] {
    const { mode, share, seed } = this.#faults
    if (mode === 'ok') return mode
    const nth = (this.#asked.get(key) ?? 0) + 1
    this.#asked.set(key, nth)
    return fractionOf(`${seed}:${key}:${nth}`) < share ? mode : 'ok'
  }
}
