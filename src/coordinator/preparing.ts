/**
 * What takes time to find out about records is found out beside each other, for those at the front of a lane; they are read in
 * their order all the same. Nothing of it is durable: whoever opens the lane next asks again.
 */
import { assert } from '../base/assert.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { EngineError, messageOf } from '../base/error.ts'
import { patience } from '../base/patience.ts'
import type { Prepared, RawRecord } from '../envelope/record.ts'
import type { Plan } from '../workflow/plan.ts'
import type { Arrivals } from './arrivals.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { Outages } from './outages.ts'
import type { Preparer } from './ports.ts'

/** What the lanes of a coordinator prepare their records with. */
export interface PreparingParts {
  readonly preparer: Preparer
  readonly clock: Clock
  readonly limits: Pick<CoordinatorLimits, 'preparingMax' | 'preparingMsMax' | 'outagePauseMs' | 'valueBytesMax'>
  readonly outages: Outages
  /** A record may be ready. */
  wake(): void
  /** Broken code: nothing that waiting would mend. */
  onBroken(error: Error): void
}

interface UnderWay {
  readonly offset: number
  readonly sinceUs: number
  /** Nobody waits for it any more. */
  readonly given: AbortController
  /** What it meets just now. */
  outage: { readonly away: string; readonly message: string } | null
}

export class Preparing {
  readonly #parts: PreparingParts
  readonly #topic: string
  readonly #underWay = new Map<RawRecord, UnderWay>()

  constructor(parts: PreparingParts, topic: string) {
    this.#parts = parts
    this.#topic = topic
  }

  /** What cannot be read at all needs nothing. */
  isReady(record: RawRecord, plans: readonly Plan[]): boolean {
    const { preparer, limits } = this.#parts
    if (record.value === null || record.value.length > limits.valueBytesMax) return true
    return preparer.isReady(record, plans, this.#topic)
  }

  /** Begins with the first of a lane, and with those behind it. A look at them all is worth it when there is much room again. */
  begin(first: RawRecord, arrivals: Arrivals, plansOf: (record: RawRecord) => readonly Plan[]): void {
    const { preparingMax } = this.#parts.limits
    if (this.#underWay.has(first) && this.#underWay.size * 2 > preparingMax) return
    for (const record of arrivals.front(preparingMax)) {
      const plans = plansOf(record)
      if (!this.#underWay.has(record) && !this.isReady(record, plans)) this.#begin(record, plans)
    }
  }

  /** One that stands in no lane; `then` is told when it is ready, unless nobody waits any more. */
  beginOne(record: RawRecord, plans: readonly Plan[], then: () => void): void {
    this.#begin(record, plans, then)
  }

  /** Why the lane waits, once that is worth a word. */
  reason(): string | null {
    const [first] = this.#underWay.values()
    if (first === undefined) return null
    const seconds = Math.round((this.#parts.clock.nowUs() - first.sinceUs) / 1e6)
    if (first.outage !== null) return `the record at offset ${first.offset} waits: ${first.outage.message}`
    return seconds < 1 ? null : `the record at offset ${first.offset} is being prepared for ${seconds} s`
  }

  /** Nobody waits for any of them any more. */
  clear(): void {
    for (const { given } of this.#underWay.values()) given.abort()
    this.#underWay.clear()
  }

  #begin(record: RawRecord, plans: readonly Plan[], then?: () => void): void {
    const { clock, onBroken, wake } = this.#parts
    const own = { offset: record.offset, sinceUs: clock.nowUs(), given: new AbortController(), outage: null }
    this.#underWay.set(record, own)
    void this.#untilReady(record, plans, own)
      .catch((error) => onBroken(error as Error))
      .finally(() => {
        if (this.#underWay.get(record) === own) this.#underWay.delete(record)
        if (!own.given.signal.aborted) then?.()
        wake()
      })
  }

  /** However long a service is away; what takes its time without that is refused in the end. */
  async #untilReady(record: RawRecord, plans: readonly Plan[], own: UnderWay): Promise<void> {
    const { clock, limits, outages } = this.#parts
    let pauseMs = limits.outagePauseMs.first
    for (;;) {
      const outage = await this.#attempt(record, plans, own.given.signal)
      if (own.given.signal.aborted) return
      const away = outage === null ? null : outages.began(outage)
      if (own.outage !== null && own.outage.away !== away) outages.ended(own.outage.away)
      if (outage === null || away === null) return
      own.outage = { away, message: messageOf(outage) }
      await sleep(clock, pauseMs, own.given.signal)
      if (own.given.signal.aborted) return
      pauseMs = Math.min(pauseMs * 2, limits.outagePauseMs.most)
    }
  }

  /** Answers with the outage it met; null: the record is ready. */
  async #attempt(record: RawRecord, plans: readonly Plan[], given: AbortSignal): Promise<EngineError | null> {
    const { preparer, limits, clock } = this.#parts
    const waiting = patience(clock, limits.preparingMsMax, given)
    try {
      await Promise.race([preparer.prepare(record, plans, this.#topic, waiting.signal), waiting.ended])
      if (waiting.isOver) this.#refuse(record, plans, tooLate(limits.preparingMsMax))
      if (!given.aborted) assert(this.isReady(record, plans), `record ${record.offset} is ready once it is prepared`)
      return null
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      if (error.retryable) return error
      this.#refuse(record, plans, error)
      return null
    } finally {
      waiting.done()
    }
  }

  /** For those workflows that need it and have no answer. */
  #refuse(record: RawRecord, plans: readonly Plan[], error: EngineError): void {
    const needing = plans.filter((plan) => !this.isReady(record, [plan])).map(({ version }) => version)
    const { values, auth } = record.prepared ?? nothing
    record.prepared = { values: filled(values, needing, error), auth: filled(auth, needing, error) }
  }
}

function tooLate(ms: number): EngineError {
  return new EngineError('preparing_timeout', `what is needed to read it was not found out within ${ms / 1000} s`)
}

const nothing: Prepared = { values: new Map(), auth: new Map() }

function filled<Found>(known: ReadonlyMap<string, Found>, names: readonly string[], error: EngineError) {
  const missing = names.filter((name) => !known.has(name))
  return new Map<string, Found | EngineError>([...known, ...missing.map((name) => [name, error] as const)])
}
