/** How many requests of one caller are taken in a time: a bucket each, of which the longest unseen are forgotten. */
import type { Rate } from '../workflow/route.ts'

export class Rates {
  readonly #callersMax: number
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>()

  constructor(callersMax: number) {
    this.#callersMax = callersMax
  }

  /** 0: it may come in. Otherwise so many milliseconds are left until it may. */
  take(caller: string, { count, perMs }: Rate, nowMs: number): number {
    const bucket = this.#buckets.get(caller) ?? { tokens: count, atMs: nowMs }
    const tokens = Math.min(count, bucket.tokens + ((nowMs - bucket.atMs) * count) / perMs)
    const left = tokens >= 1 ? tokens - 1 : tokens
    this.#remember(caller, { tokens: left, atMs: nowMs })
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * perMs) / count)
  }

  /** A map keeps the order in which its names were set. */
  #remember(caller: string, bucket: { tokens: number; atMs: number }): void {
    this.#buckets.delete(caller)
    this.#buckets.set(caller, bucket)
    if (this.#buckets.size <= this.#callersMax) return
    const [oldest] = this.#buckets.keys()
    if (oldest !== undefined) this.#buckets.delete(oldest)
  }
}
