/**
 * The HTTP door's way into Kafka: what is written here is told to be there only once all in-sync replicas have it. While one
 * batch is in flight the next one gathers, so that nothing lingers at low load and hundreds share a request at high load.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import type { NewRecord, Written } from '../api/ports.ts'
import { crashPoint } from '../base/crash-point.ts'
import { Deque } from '../base/deque.ts'
import { EngineError, messageOf } from '../base/error.ts'
import { type DirectLimits, defaultDirectLimits } from './direct-limits.ts'
import { DirectSession } from './direct-session.ts'
import { kafkaError } from './failure.ts'

interface Waiting {
  readonly record: NewRecord
  readonly bytes: number
  readonly sinceMs: number
  resolve(written: Written): void
  reject(error: EngineError): void
}

export class DirectProducer {
  readonly #kafka: Kafka
  readonly #limits: DirectLimits
  readonly #waiting = new Deque<Waiting>()
  #bytes = 0
  #session: DirectSession | null = null
  #running: Promise<void> | null = null
  #downUntilMs = 0
  #downWhy = ''
  #stopped = false

  constructor(kafka: Kafka, limits: DirectLimits = defaultDirectLimits) {
    this.#kafka = kafka
    this.#limits = limits
  }

  /**
   * Throws `EngineError`: `door_full` and `kafka_outage` (retryable: it was not written), `write_unknown` (retryable: nobody knows),
   * `message_refused` (Kafka will never take it).
   */
  write(record: NewRecord): Promise<Written> {
    const bytes = sizeOf(record)
    const refused = this.#refusal(bytes)
    if (refused !== null) return Promise.reject(refused)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, bytes, sinceMs: performance.now(), resolve, reject })
      this.#bytes += bytes
      this.#running ??= this.#run()
    })
  }

  /** Null while there is room and Kafka answers. */
  get trouble(): string | null {
    return this.#refusal(0)?.message ?? null
  }

  /** What was asked before is written, or its time is over. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.race([this.#running, sleep(this.#limits.stopMsMax, undefined, { ref: false })])
    this.#giveUp(new EngineError('kafka_outage', 'the door is closing', { retryable: true }))
    await this.#session?.close()
    this.#session = null
  }

  #refusal(bytes: number): EngineError | null {
    if (this.#stopped) return new EngineError('kafka_outage', 'the door is closing', { retryable: true })
    if (performance.now() < this.#downUntilMs)
      return new EngineError('kafka_outage', this.#downWhy, { retryable: true })
    const { waitingMax, waitingBytesMax } = this.#limits
    if (this.#waiting.size < waitingMax && this.#bytes + bytes <= waitingBytesMax) return null
    return new EngineError('door_full', `${this.#waiting.size} requests wait to be written`, { retryable: true })
  }

  async #run(): Promise<void> {
    // What comes in the same turn goes together.
    await Promise.resolve()
    while (this.#waiting.size > 0) {
      this.#expire()
      const batch = this.#take()
      if (batch.length > 0) await this.#send(batch)
      if (this.#mayGather(batch.length)) await sleep(this.#limits.gatherMs)
    }
    this.#running = null
  }

  #mayGather(before: number): boolean {
    const { gatherFrom, batchMax } = this.#limits
    return !this.#stopped && before >= gatherFrom && this.#waiting.size < batchMax / 2
  }

  /** Who asked has had its answer long ago; Kafka has not seen it. */
  #expire(): void {
    const beforeMs = performance.now() - this.#limits.waitMsMax
    for (let first = this.#waiting.first(); first && first.sinceMs < beforeMs; first = this.#waiting.first()) {
      this.#shift()
      first.reject(new EngineError('kafka_outage', 'Kafka did not take it in time', { retryable: true }))
    }
  }

  #take(): Waiting[] {
    const batch: Waiting[] = []
    let bytes = 0
    for (let next = this.#waiting.first(); next; next = this.#waiting.first()) {
      if (batch.length === this.#limits.batchMax) break
      // One that Kafka may refuse for its size takes no other down with it.
      if (batch.length > 0 && bytes + next.bytes > this.#limits.batchBytesMax) break
      bytes += next.bytes
      batch.push(next)
      this.#shift()
    }
    return batch
  }

  #shift(): void {
    this.#bytes -= this.#waiting.shift()?.bytes ?? 0
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    let session: DirectSession
    try {
      session = this.#session ??= await DirectSession.open(this.#kafka, this.#limits)
    } catch (error) {
      this.#fail(batch, error, 'kafka_outage')
      return
    }
    try {
      crashPoint('door.before-write')
      const places = await session.send(batch.map(({ record }) => record))
      crashPoint('door.written')
      for (const [at, each] of batch.entries()) each.resolve(places[at] as Written)
    } catch (error) {
      this.#session = null
      void session.close()
      this.#fail(batch, error, 'write_unknown')
    }
  }

  #fail(batch: readonly Waiting[], cause: unknown, code: 'kafka_outage' | 'write_unknown'): void {
    const refused = kafkaError(cause).code === 'message_refused'
    if (!refused) {
      this.#downWhy = `Kafka: ${messageOf(cause)}`
      this.#downUntilMs = performance.now() + this.#limits.pauseMs
    }
    // Of several that were sent together nobody knows which Kafka has refused.
    const error =
      refused && batch.length === 1
        ? kafkaError(cause)
        : new EngineError(code, `Kafka: ${messageOf(cause)}`, { retryable: true, cause })
    for (const each of batch) each.reject(error)
    if (code === 'kafka_outage') this.#giveUp(error)
  }

  /** Nobody is kept waiting for a Kafka that is away. */
  #giveUp(error: EngineError): void {
    for (let next = this.#waiting.first(); next; next = this.#waiting.first()) {
      this.#shift()
      next.reject(error)
    }
  }
}

function sizeOf({ key, value, headers }: NewRecord): number {
  const headersBytes = headers.reduce((sum, header) => sum + header.name.length + header.value.length + 4, 0)
  return (key?.length ?? 0) + value.length + headersBytes + 100
}
