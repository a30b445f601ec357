/**
 * Notices a consumer that has stopped without a word: what it should fetch is not fetched, though Kafka has more of it.
 * It only looks at the clock while fetches are answered.
 */
import { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import { isRead, type Place } from './partition.ts'
import { tendEveryMs, watchdogAskEveryMs } from './settings.ts'
import type { Bounds } from './topics.ts'

/** Called so much later than it should be, this process was stopped or busy: nothing is the consumer's fault. */
const awayMs = 3 * tendEveryMs

export class Watchdog {
  readonly #stalledMsMax: number
  readonly #bounds: (topic: string) => Promise<ReadonlyMap<number, Bounds>>
  #lookedMs = performance.now()
  #askedMs = Number.NEGATIVE_INFINITY
  #total = 0

  constructor(stalledMsMax: number, bounds: (topic: string) => Promise<ReadonlyMap<number, Bounds>>) {
    this.#stalledMsMax = stalledMsMax
    this.#bounds = bounds
  }

  /** Whether the consumer is to be built anew. To be asked every `tendEveryMs`. */
  async barks(places: readonly Place[]): Promise<boolean> {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs > awayMs) forgive(places)
    this.#lookedMs = nowMs
    const late = places.filter((place) => this.#isLate(place))
    if (late.length === 0 || nowMs - this.#askedMs < Math.min(watchdogAskEveryMs, this.#stalledMsMax)) return false
    this.#askedMs = nowMs
    const stalled = await this.#behind(late)
    if (!stalled) return false
    const { topic, partition, dueMs } = stalled
    publish('watchdog', { topic, partition, stalledMs: Math.round(nowMs - dueMs), total: ++this.#total })
    forgive(places)
    return true
  }

  #isLate(place: Place): boolean {
    return isRead(place) && performance.now() - place.dueMs > this.#stalledMsMax
  }

  async #behind(late: readonly Place[]): Promise<Place | undefined> {
    for (const topic of new Set(late.map((place) => place.topic))) {
      try {
        const bounds = await this.#bounds(topic)
        const isBehind = (place: Place) => (bounds.get(place.partition)?.latest ?? 0) > (place.position ?? 0)
        const found = late.find((place) => place.topic === topic && this.#isLate(place) && isBehind(place))
        if (found) return found
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        forgive(late) // Kafka itself is away
      }
    }
    return undefined
  }
}

function forgive(places: readonly Place[]): void {
  const nowMs = performance.now()
  for (const place of places) place.dueMs = Math.max(place.dueMs, nowMs)
}
