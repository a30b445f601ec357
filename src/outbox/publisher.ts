/**
 * One lane's messages, in the order of their numbers, into Kafka exactly once. Each Kafka transaction stores the number up
 * to which it goes, so what is published is told by Kafka itself: the mark in the ledger follows, and may be behind.
 */
import { type Clock, sleep } from '../base/clock.ts'
import { crashPoint } from '../base/crash-point.ts'
import { EngineError, messageOf } from '../base/error.ts'
import type { OutboxLane, OutboxLedger, OutboxMessage } from '../coordinator/ports.ts'
import { publish } from '../telemetry/channels.ts'
import type { OutboxLimits } from './limits.ts'
import type { Session, Sessions } from './session.ts'
import { type Encoder, written } from './writing.ts'

export interface PublisherParts {
  readonly ledger: OutboxLedger
  readonly clock: Clock
  readonly limits: OutboxLimits
  readonly sessions: Pick<Sessions, 'open'>
  /** Null: there is no schema registry. */
  readonly encoder: Encoder | null
  /** Broken code: nothing that waiting would mend. */
  onBroken(error: Error): void
}

export class Publisher {
  readonly #lane: OutboxLane
  readonly #parts: PublisherParts
  readonly #closing = new AbortController()
  #wanted = false
  #running = false
  /** What nothing goes on for now for; null while all is well. */
  #stalled: string | null = null
  #session: Session | null = null
  /** The number of the last message that is done with, while there is a session. */
  #position = 0
  /** How many are taken at once; fewer while one is looked for that Kafka refuses. */
  #rows: number
  #pauseMs: number
  #ended: Promise<void> = Promise.resolve()
  #cancelIdle: (() => void) | undefined

  constructor(lane: OutboxLane, parts: PublisherParts) {
    this.#lane = lane
    this.#parts = parts
    this.#rows = parts.limits.rowsMax
    this.#pauseMs = parts.limits.pauseMs.first
  }

  get isBusy(): boolean {
    return this.#running && this.#stalled === null
  }

  wake(): void {
    this.#wanted = true
    if (this.#running || this.#closing.signal.aborted) return
    this.#running = true
    this.#ended = this.#run().catch((error) => this.#parts.onBroken(error))
  }

  /** What is on its way is finished, nothing further is begun. Twice is safe. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#ended
    this.#cancelIdle?.()
    await this.#drop()
  }

  async #run(): Promise<void> {
    this.#cancelIdle?.()
    while (this.#wanted && !this.#closing.signal.aborted) {
      this.#wanted = false
      try {
        await this.#publishAll()
        this.#tellResumed()
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        await this.#stall(error)
      }
    }
    this.#running = false
    this.#cancelIdle = this.#parts.clock.after(this.#parts.limits.idleMs, () => void this.#rest())
  }

  /** Until nothing is left, or the lane is not ours any more. */
  async #publishAll(): Promise<void> {
    const { ledger, limits } = this.#parts
    for (;;) {
      if (this.#closing.signal.aborted) return
      const session = this.#session ?? (await this.#open())
      const most = { rows: this.#rows, bytes: limits.bytesMax }
      const waiting = held(await ledger.unpublished(this.#lane, this.#position, most))
      if (waiting.length === 0) return
      const messages = await this.#written(waiting)
      const last = messages.at(-1)
      if (last === undefined) continue
      const fromUs = this.#parts.clock.nowUs()
      crashPoint('outbox.before-send')
      if (!(await this.#send(session, messages))) continue
      crashPoint('outbox.sent')
      this.#position = last.seq
      this.#rows = Math.min(this.#rows * 2, limits.rowsMax)
      held(await ledger.markPublished(this.#lane, last.seq))
      crashPoint('outbox.marked')
      const durationMs = (this.#parts.clock.nowUs() - fromUs) / 1000
      publish('published', { ...this.#lane.partition, messages: messages.length, durationMs, batch: messages })
    }
  }

  /** The fence is asked first, so that a lane that was lost does not fence its new owner in Kafka. */
  async #open(): Promise<Session> {
    const { ledger, sessions } = this.#parts
    held(await ledger.outboxPlace(this.#lane, 0))
    const session = await sessions.open(this.#lane)
    this.#session = session
    const { reached } = session
    const { publishedSeq, id } = held(await ledger.outboxPlace(this.#lane, reached?.seq ?? 0))
    this.#position = publishedSeq
    if (reached === null || reached.seq <= publishedSeq) return session
    if (id === reached.id) this.#position = reached.seq
    else this.#tellSetBack(reached.seq, publishedSeq)
    held(await ledger.markPublished(this.#lane, this.#position))
    return session
  }

  /** As many as can be written now; none where the first of them never can, which is given up on. */
  async #written(waiting: readonly OutboxMessage[]): Promise<readonly OutboxMessage[]> {
    const { messages, failure } = await written(waiting, this.#parts.encoder)
    if (failure === null || messages.length > 0) return messages
    if (failure.error.retryable) throw failure.error
    held(await this.#parts.ledger.refuseMessage(this.#lane, failure.seq, messageOf(failure.error)))
    return []
  }

  /** Those that were given up on are passed over. False: Kafka refuses one of them, and fewer are to be tried. */
  async #send(session: Session, messages: readonly OutboxMessage[]): Promise<boolean> {
    const sendable = messages.filter((each) => each.error === null)
    try {
      if (sendable.length > 0) await session.send(sendable)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      if (error.code === 'message_refused') await this.#narrow(sendable, messageOf(error))
      else await this.#upToMissing(messages, error)
      return false
    }
    for (const each of messages) if (each.error !== null) this.#tellRefused(each, each.error)
    return true
  }

  /**
   * Of several the guilty one is found by halving. The client's count of what it sent is not to be trusted after a refusal,
   * so the next try is another session's.
   */
  async #narrow(messages: readonly OutboxMessage[], why: string): Promise<void> {
    await this.#drop()
    const [first, second] = messages
    if (first && !second) held(await this.#parts.ledger.refuseMessage(this.#lane, first.seq, why))
    else this.#rows = messages.length >> 1
  }

  /** Those before the first one whose topic is missing need not wait for it. */
  async #upToMissing(messages: readonly OutboxMessage[], error: EngineError): Promise<void> {
    const { missing } = error.details as { missing?: ReadonlySet<string> }
    const before = messages.findIndex((each) => each.error === null && missing?.has(each.topic))
    if (before <= 0) throw error
    await this.#drop()
    this.#rows = before
  }

  /** Nothing is known of the session any more: the next one asks Kafka how far it came. */
  async #stall(error: EngineError): Promise<void> {
    await this.#drop()
    if (this.#closing.signal.aborted) return
    this.#tellStalled(error)
    await sleep(this.#parts.clock, this.#pauseMs, this.#closing.signal)
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#parts.limits.pauseMs.most)
    this.#wanted = true
  }

  async #rest(): Promise<void> {
    if (!this.#running) await this.#drop()
  }

  async #drop(): Promise<void> {
    const session = this.#session
    this.#session = null
    await session?.close()
  }

  /** Once for each cause. That a lane is lost the coordinator tells. */
  #tellStalled(error: EngineError): void {
    const { code } = error
    const reason = messageOf(error)
    const cause = code.endsWith('_missing') ? reason : code
    const isNews = cause !== this.#stalled && code !== 'lane_lost'
    if (isNews) publish('outbox.stalled', { ...this.#lane.partition, code, reason })
    this.#stalled = cause
  }

  #tellResumed(): void {
    this.#pauseMs = this.#parts.limits.pauseMs.first
    if (this.#stalled === null) return
    this.#stalled = null
    publish('outbox.resumed', this.#lane.partition)
  }

  #tellRefused({ id, topic }: OutboxMessage, reason: string): void {
    publish('message.refused', { ...this.#lane.partition, id, to: topic, reason })
  }

  #tellSetBack(kafkaSeq: number, ledgerSeq: number): void {
    const { topic, partition } = this.#lane.partition
    const message =
      `outbox of ${topic}/${partition}: Kafka has message ${kafkaSeq}, which the ledger does not know: it seems to have been ` +
      `set back. It is published on from message ${ledgerSeq + 1}, and readers may see some again`
    publish('notice', { level: 'error', message, code: 'outbox_set_back' })
  }
}

/** What the ledger answers for a lane that is ours. Whether it still is, the coordinator finds out and says. */
function held<Answer>(answer: Answer | null | false): Answer {
  if (answer !== null && answer !== false) return answer
  throw new EngineError('lane_lost', 'the ledger says that the lane is not ours any more', { retryable: true })
}
