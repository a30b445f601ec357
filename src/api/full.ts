/** Topics whose lanes take in nothing more for now: what would only pile up in Kafka is refused. Looked at while requests come, no more. */
import type { DoorLedger } from './ports.ts'

/** What is known is taken as it is for so long, in milliseconds. */
const staleMs = 1000

export class FullTopics {
  readonly #ledger: Pick<DoorLedger, 'full'>
  #full: ReadonlySet<string> = new Set()
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(ledger: Pick<DoorLedger, 'full'>) {
    this.#ledger = ledger
  }

  /** As it was a moment ago: nobody waits for the answer. */
  has(topic: string, all: readonly string[]): boolean {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs > staleMs) {
      this.#lookedMs = nowMs
      this.#ledger.full(all).then(
        (full) => (this.#full = full),
        () => undefined,
      )
    }
    return this.#full.has(topic)
  }
}
