/** Publishes what lanes wrote for Kafka: a publisher for each lane that has something, as long as the lane is ours. */
import type { Admin, Kafka } from 'kafkajs'
import { type Clock, sleep } from '../base/clock.ts'
import type { HeldLane, OutboxLane, OutboxLedger } from '../coordinator/ports.ts'
import type { Sealer } from '../envelope/seal.ts'
import { kafkaError } from './failure.ts'
import { defaultLimits, type OutboxLimits } from './limits.ts'
import { Publisher, type Session } from './publisher.ts'
import { openSession } from './session.ts'

export interface OutboxOptions {
  readonly engine: string
  readonly kafka: Kafka
  readonly ledger: OutboxLedger
  /** Null: no seal key. */
  readonly sealer: Sealer | null
  readonly clock: Clock
  readonly limits?: Partial<OutboxLimits>
}

export class Outbox implements AsyncDisposable {
  readonly #options: OutboxOptions
  readonly #limits: OutboxLimits
  readonly #ledger: OutboxLedger
  readonly #publishers = new Map<number, Publisher>()
  #admin: Promise<Admin> | undefined
  #stopped: Promise<void> | undefined
  #fail: (error: Error) => void = () => undefined
  /** What broke it, for whoever supervises; never resolves while all is well. */
  readonly failed = new Promise<Error>((resolve) => (this.#fail = resolve))

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#ledger = oneAtATime(options.ledger)
  }

  wake(lane: OutboxLane): void {
    if (this.#stopped) return
    const known = this.#publishers.get(lane.laneId)
    const publisher = known ?? new Publisher(lane, this.#parts())
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

  async #stop(): Promise<void> {
    const closed = Promise.all([...this.#publishers.values()].map((each) => each.close()))
    const gone = closed.then(() => this.#admin).then((admin) => admin?.disconnect())
    const enough = new AbortController()
    const outOfTime = sleep(this.#options.clock, this.#limits.stopMsMax, enough.signal)
    await Promise.race([gone.catch(() => undefined), outOfTime])
    enough.abort()
  }

  #parts() {
    return {
      ledger: this.#ledger,
      clock: this.#options.clock,
      limits: this.#limits,
      openSession: (lane: OutboxLane) => this.#openSession(lane),
      onBroken: (error: Error) => this.#fail(error),
    }
  }

  /** After a failure the next one asks through a connection of its own: one that hangs is not met again. */
  async #openSession(lane: OutboxLane): Promise<Session> {
    const { engine, kafka, sealer } = this.#options
    this.#admin ??= connected(kafka)
    const admin = this.#admin
    try {
      return await openSession(lane, { engine, kafka, sealer, limits: this.#limits, admin: await admin })
    } catch (error) {
      if (this.#admin === admin) this.#admin = undefined
      void admin.then((each) => each.disconnect()).catch(() => undefined)
      throw kafkaError(error)
    }
  }
}

async function connected(kafka: Kafka): Promise<Admin> {
  const admin = kafka.admin()
  await admin.connect()
  return admin
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
