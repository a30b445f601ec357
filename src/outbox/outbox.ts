/** Publishes what lanes wrote for Kafka: a publisher for each lane that has something, as long as the lane is ours. */
import { type Clock, sleep } from '../base/clock.ts'
import type { HeldLane, OutboxLane, OutboxLedger } from '../coordinator/ports.ts'
import type { OutboxLimits } from './limits.ts'
import { Publisher } from './publisher.ts'
import type { Sessions } from './session.ts'
import type { Encoder } from './writing.ts'

export interface OutboxParts {
  readonly ledger: OutboxLedger
  readonly sessions: Sessions
  /** Null: there is no schema registry. */
  readonly encoder: Encoder | null
  readonly clock: Clock
  readonly limits: OutboxLimits
}

export class Outbox implements AsyncDisposable {
  readonly #parts: OutboxParts
  readonly #ledger: OutboxLedger
  readonly #publishers = new Map<number, Publisher>()
  #stopped: Promise<void> | undefined
  #fail: (error: Error) => void = () => undefined
  /** What broke it, for whoever supervises; never resolves while all is well. */
  readonly failed = new Promise<Error>((resolve) => (this.#fail = resolve))

  constructor(parts: OutboxParts) {
    this.#parts = parts
    this.#ledger = oneAtATime(parts.ledger)
  }

  wake(lane: OutboxLane): void {
    if (this.#stopped) return
    const known = this.#publishers.get(lane.laneId)
    const publisher = known ?? this.#publisherOf(lane)
    this.#publishers.set(lane.laneId, publisher)
    publisher.wake()
  }

  isBusy({ laneId }: HeldLane): boolean {
    return this.#publishers.get(laneId)?.isBusy ?? false
  }

  close({ laneId }: HeldLane): void {
    const publisher = this.#publishers.get(laneId)
    this.#publishers.delete(laneId)
    void publisher?.close().catch((error) => this.#fail(error))
  }

  /** What is on its way is finished, as far as Kafka lets it. Twice is safe. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #publisherOf(lane: OutboxLane): Publisher {
    return new Publisher(lane, { ...this.#parts, ledger: this.#ledger, onBroken: (error) => this.#fail(error) })
  }

  async #stop(): Promise<void> {
    const { clock, limits, sessions } = this.#parts
    const closed = Promise.all([...this.#publishers.values()].map((each) => each.close()))
    const gone = closed.then(() => sessions.stop())
    const enough = new AbortController()
    const outOfTime = sleep(clock, limits.stopMsMax, enough.signal)
    await Promise.race([gone.catch(() => undefined), outOfTime])
    enough.abort()
  }
}

/** Many lanes may have something at once, and connections to the ledger are few: commits come before them. */
function oneAtATime(ledger: OutboxLedger): OutboxLedger {
  let last: Promise<unknown> = Promise.resolve()
  const queued = <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    const answer = last.then(ask)
    last = answer.catch(() => undefined)
    return answer
  }
  return {
    outboxPlace: (lane, seq) => queued(() => ledger.outboxPlace(lane, seq)),
    unpublished: (lane, afterSeq, most) => queued(() => ledger.unpublished(lane, afterSeq, most)),
    markPublished: (lane, seq) => queued(() => ledger.markPublished(lane, seq)),
    refuseMessage: (lane, seq, error) => queued(() => ledger.refuseMessage(lane, seq, error)),
  }
}
