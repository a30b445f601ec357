/**
 * What becomes of a commit: it goes through, its lanes are fenced, or it fails in one of four ways, each with its own
 * answer. An outage is waited out and burns nothing; a conflict is repeated; a refused value is found by halving and
 * replaced; an unknown COMMIT is settled by new epochs and a look.
 */
import { type Clock, sleep } from '../base/clock.ts'
import { crashPoint } from '../base/crash-point.ts'
import { EngineError, messageOf } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import { CommitIds } from './commit-ids.ts'
import { batchOf, type Entry } from './entry.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { Batch, CommitAnswer, CommitStamp, Ledger } from './ports.ts'
import type { Refusal } from './records.ts'

/** Entries that are durable now, with the time since when they are. */
export interface Written {
  readonly entries: readonly Entry[]
  readonly returnedUs: number
  /** Transactions that were not admitted, being copies: id -> the id of the first. */
  readonly duplicates: CommitAnswer['duplicates']
}

export class Writer {
  readonly #ledger: Ledger
  readonly #clock: Clock
  readonly #limits: CoordinatorLimits
  readonly #signal: AbortSignal
  readonly #ids: CommitIds
  #last: CommitStamp | null = null

  /** `session` keeps the commit ids of coordinators apart; `signal` gives up waiting out an outage. */
  constructor(parts: {
    ledger: Ledger
    clock: Clock
    limits: CoordinatorLimits
    session: number
    signal: AbortSignal
  }) {
    this.#ledger = parts.ledger
    this.#clock = parts.clock
    this.#limits = parts.limits
    this.#signal = parts.signal
    this.#ids = new CommitIds(parts.session)
  }

  /** The last commit whose return no later one has written yet. */
  takeLast(): CommitStamp | null {
    const last = this.#last
    this.#last = null
    return last
  }

  /** It was not written after all. */
  giveBack(last: CommitStamp | null): void {
    this.#last ??= last
  }

  /** Throws `EngineError` only when it gives up (`ledger_broken`, or aborted during an outage). */
  async write(entries: readonly Entry[]): Promise<Written[]> {
    return this.#write(entries, true)
  }

  async #write(asked: readonly Entry[], whole: boolean): Promise<Written[]> {
    let pauseMs = this.#limits.outagePauseMs.first
    let downSince: number | null = null
    let knowsAll = whole
    for (;;) {
      const entries = asked.filter((each) => !each.lane.closed && each.lane.stands(each))
      if (entries.length === 0) return []
      const batch = this.#batch(entries, knowsAll)
      knowsAll = false // what was folded meanwhile has moved the lanes on
      try {
        const written = await this.#commit(entries, batch)
        if (downSince !== null) this.#tellRecovered(downSince)
        return written
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        if (error.code === 'ledger_refused') return await this.#halve(entries, error)
        if (!error.retryable || this.#signal.aborted) throw error
        if (downSince === null && error.code === 'ledger_outage') downSince = this.#tellOutage(error)
        publish('commit.failed', { kind: error.code, message: error.message, retryInMs: pauseMs })
        await sleep(this.#clock, pauseMs, this.#signal)
        pauseMs = Math.min(pauseMs * 2, this.#limits.outagePauseMs.most)
        const landed = error.details.ambiguous === true ? await this.#settle(entries, batch) : null
        if (landed) return landed
      }
    }
  }

  async #commit(entries: readonly Entry[], batch: Batch): Promise<Written[]> {
    crashPoint('commit.before-send')
    const answer = await this.#ledger.commit(batch)
    crashPoint('commit.returned')
    return [this.#written(entries, batch, answer)]
  }

  #written(entries: readonly Entry[], batch: Batch, { passed, duplicates }: CommitAnswer): Written {
    const returnedUs = this.#clock.nowUs()
    this.#last = { commitId: batch.commitId, returnedUs }
    for (const lane of batch.lanes) {
      const own = entries.find((each) => each.lane.laneId === lane.laneId)?.lane
      if (!own) continue
      if (passed.has(lane.laneId)) own.committed(lane.nextOffset, seqOf(batch, lane.laneId))
      else this.#fence(own)
    }
    if (duplicates.size > 0) for (const each of entries) this.#dropCopies(each, duplicates, returnedUs)
    const durationMs = (returnedUs - batch.sentUs) / 1000
    const rows = batch.transactions.length + batch.attempts.length + batch.endings.length + batch.deadLetters.length
    publish('commit', { events: entries.length, rows, lanes: batch.lanes.length, durationMs })
    return { entries: entries.filter((each) => passed.has(each.lane.laneId)), returnedUs, duplicates }
  }

  /** Before anything else is written: it may be of one of them. */
  #dropCopies({ lane, source }: Entry, duplicates: CommitAnswer['duplicates'], atUs: number): void {
    if (source.kind !== 'record') return
    for (const each of source.admitted) {
      const firstId = duplicates.get(each.id)
      if (firstId !== undefined) lane.dropCopy(each, firstId, atUs)
    }
  }

  #batch(entries: readonly Entry[], whole: boolean): Batch {
    const sentUs = this.#clock.nowUs()
    return batchOf(entries, { commitId: this.#ids.next(sentUs), sentUs, last: this.#last }, whole)
  }

  /** Null: it never landed, write it again. New epochs are taken first, so that it cannot land any more. */
  async #settle(entries: readonly Entry[], batch: Batch): Promise<Written[] | null> {
    let pauseMs = this.#limits.outagePauseMs.first
    for (;;) {
      try {
        crashPoint('settle.before-epochs')
        const { landed, epochs } = await this.#ledger.settle(batch)
        for (const each of entries) this.#renew(each, epochs)
        return landed === null ? null : [this.#written(entries, batch, landed)]
      } catch (error) {
        if (!(error instanceof EngineError) || !error.retryable || this.#signal.aborted) throw error
        await sleep(this.#clock, pauseMs, this.#signal)
        pauseMs = Math.min(pauseMs * 2, this.#limits.outagePauseMs.most)
      }
    }
  }

  #renew(each: Entry, epochs: ReadonlyMap<number, number>): void {
    const epoch = epochs.get(each.lane.laneId)
    if (epoch !== undefined) each.lane.epoch = epoch
    else if (!each.lane.closed) this.#fence(each.lane)
  }

  /** In order, the first half first: a lane's offset only ever grows. */
  async #halve(entries: readonly Entry[], refused: EngineError): Promise<Written[]> {
    if (entries.length > 1) {
      const middle = entries.length >> 1
      const first = await this.#write(entries.slice(0, middle), false)
      crashPoint('commit.between-halves')
      return [...first, ...(await this.#write(entries.slice(middle), false))]
    }
    const guilty = entries[0] as Entry
    publish('commit.failed', { kind: refused.code, message: refused.message, retryInMs: 0 })
    const instead = guilty.lane.replace(guilty, refusalOf(refused), this.#clock.nowUs())
    return instead === null ? [] : this.#write([instead], false)
  }

  #fence(lane: Entry['lane']): void {
    lane.closed = true
    publish('fenced', { ...lane.partition, epoch: lane.epoch })
  }

  #tellOutage(error: EngineError): number {
    publish('outage', { service: 'postgres', address: '', message: error.message })
    return this.#clock.nowUs()
  }

  #tellRecovered(since: number): void {
    publish('recovered', { service: 'postgres', address: '', downMs: Math.round((this.#clock.nowUs() - since) / 1000) })
  }
}

function refusalOf({ details, cause, message }: EngineError): Refusal {
  const code = details.charge === undefined ? 'value_refused' : 'charged_before'
  return { code, message: cause === undefined ? message : messageOf(cause) }
}

/** Of the lane's last message in the batch; null when there is none. */
function seqOf({ messages }: Batch, laneId: number): number | null {
  return messages.findLast((row) => row.laneId === laneId)?.seq ?? null
}
