/**
 * The acts that follow a commit: attempts given to workers, timers armed. What comes back is told to its lane. Attempts of
 * functions without effects go ahead of their commit, and are forgotten when that is not written.
 */

import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { crashPoint } from '../base/crash-point.ts'
import type { Sealer } from '../envelope/seal.ts'
import type { Secrets } from '../envelope/secrets.ts'
import { publish } from '../telemetry/channels.ts'
import type { Traces } from '../telemetry/trace/traces.ts'
import type { Abort, Invoke } from '../transaction/effect.ts'
import type { StepRef, Transaction } from '../transaction/transaction.ts'
import { Coming } from './coming.ts'
import type { Act, Entry } from './entry.ts'
import type { Lane } from './lane.ts'
import type { Invocation, InvocationResult, Workers } from './ports.ts'
import { scrubbed } from './scrub.ts'
import { Timers } from './timers.ts'

/** An attempt under way, and who waits for it. */
interface Pending extends StepRef {
  readonly lane: Lane
  /** What asked for it, where that was not durable then. */
  readonly ahead: { readonly entry: Entry; readonly act: Act } | null
  readonly transactionId: string
  readonly attempt: number
  readonly eligibleUs: number
  /** Of its transaction's event; none may come back. */
  readonly secrets: Secrets | null
  /** Its lane was told that a process is kept for it: that it may run may be durable. */
  reserved: boolean
}

export interface PerformerParts {
  readonly workers: Workers
  readonly clock: Clock
  /** Null: no event has secret fields. */
  readonly sealer: Sealer | null
  readonly traces: Traces
}

export class Performer {
  readonly #workers: Workers
  readonly #clock: Clock
  readonly #sealer: Sealer | null
  readonly #traces: Traces
  readonly #pending = new Map<number, Pending>()
  /** Those a process is kept for, by what they are attempts of. */
  readonly #reserved = new Map<string, number>()
  /** Of these nobody wants to hear any more. */
  readonly #forgotten = new Set<number>()
  /** Those of them that may be called now. */
  #proceeding: number[] = []
  /** Nobody needs them any more. */
  #aborted: number[] = []
  readonly #timers: Timers<StepRef & { readonly lane: Lane; readonly transactionId: string }>
  readonly #coming = new Coming()
  readonly #wake: () => void
  #nextId = 1
  /** Stopping: what is under way may end, nothing new is begun. */
  #draining = false

  constructor({ workers, clock, sealer, traces }: PerformerParts, wake: () => void) {
    this.#workers = workers
    this.#clock = clock
    this.#sealer = sealer
    this.#traces = traces
    this.#wake = wake
    this.#timers = new Timers(clock, (due) => {
      crashPoint('timer.fired')
      for (const { lane, transactionId, step, item } of due) {
        lane.tell(transactionId, { type: 'TimerDue', atUs: clock.nowUs(), step, item })
      }
      wake()
    })
  }

  /** Attempts under way. */
  get underWay(): number {
    return this.#pending.size
  }

  /** Attempts under way of one lane. */
  underWayOf(lane: Lane): number {
    let count = 0
    for (const pending of this.#pending.values()) if (pending.lane === lane) count++
    return count
  }

  /** `sinceUs`: when the commit that allowed these acts returned. */
  perform(lane: Lane, acts: readonly Act[], sinceUs: number, invocations: Invocation[]): void {
    if (this.#draining || lane.draining) return
    for (const act of acts) {
      const { transaction, effect } = act
      if (effect.type === 'ArmTimer') {
        const { step, item } = effect
        this.#timers.arm(effect.dueUs, { lane, transactionId: transaction.id, step, item })
      } else if (effect.type === 'Proceed') {
        this.#proceed(nameOf(transaction.id, effect))
      } else if (effect.type === 'Abort') this.#abort(transaction.id, effect)
      else invocations.push(this.#invoke(lane, transaction, effect, null, sinceUs))
    }
  }

  /** What may be done before its entry is durable. The rest stays with the entry. */
  performAhead(entry: Entry, sinceUs: number, invocations: Invocation[]): void {
    const { lane, acts } = entry
    if (acts.length === 0 || this.#draining || lane.draining) return
    const later: Act[] = []
    for (const act of acts) {
      const { transaction, effect } = act
      if (effect.type === 'Invoke' && this.#workers.isEffectFree(effect.step.uses)) {
        lane.sentAhead(transaction.id, entry)
        invocations.push(this.#invoke(lane, transaction, effect, { entry, act }, sinceUs))
      } else later.push(act)
    }
    if (later.length < acts.length) entry.acts = later
  }

  #invoke(lane: Lane, transaction: Transaction, effect: Invoke, ahead: Pending['ahead'], sinceUs: number): Invocation {
    const id = this.#nextId++
    if (effect.forwardSeed !== null) crashPoint('undo.before')
    const { step, item, attempt, idempotencySeed, forwardSeed, input, notAfterUs, alone } = effect
    const eligibleUs = effect.eligibleUs ?? sinceUs
    this.#coming.reach(step, transaction.plan)
    this.#pending.set(id, {
      lane,
      ahead,
      transactionId: transaction.id,
      step: step.no,
      item,
      attempt,
      eligibleUs,
      secrets: transaction.envelope.secrets ?? null,
      reserved: false,
    })
    return {
      id,
      function: step.uses,
      transactionId: transaction.id,
      workflow: transaction.plan.name,
      step: step.id,
      attempt,
      idempotencySeed,
      forwardSeed,
      input,
      timeoutMs: step.timeoutMs,
      notAfterUs,
      alone,
      ahead: ahead !== null,
      isSecret: step.with.secretsAt.length > 0,
      trace: this.#traces.ofAttempt(transaction, step.no, item, attempt),
    }
  }

  /** All that the acts of one commit have asked for. */
  dispatch(invocations: readonly Invocation[]): void {
    const proceeding = this.#proceeding
    this.#proceeding = []
    if (proceeding.length > 0) this.#workers.proceed(proceeding)
    if (this.#aborted.length > 0) crashPoint('abort.before')
    const wanted = this.#aborted.length === 0 ? invocations : this.#abortAll(invocations)
    if (wanted.length === 0) return
    this.#workers.invoke(wanted)
    this.#workers.warm(this.#coming.take())
    crashPoint('acts.dispatched')
  }

  /** What one commit both asks for and needs no more is not run at all. Answers with the others. */
  #abortAll(invocations: readonly Invocation[]): readonly Invocation[] {
    const aborted = new Set(this.#aborted.splice(0))
    const unasked = invocations.filter(({ id }) => aborted.delete(id))
    if (aborted.size > 0) this.#workers.abort([...aborted])
    if (unasked.length === 0) return invocations
    this.receive(unasked.map(({ id }) => ({ ...neverRun, id, receivedUs: this.#clock.nowUs() })))
    return invocations.filter((each) => !unasked.includes(each))
  }

  /** They are few, and looked for among all. */
  #abort(transactionId: string, effect: Abort): void {
    const name = nameOf(transactionId, effect)
    for (const [id, pending] of this.#pending) {
      if (pending.transactionId === transactionId && nameOf(transactionId, pending) === name) this.#aborted.push(id)
    }
  }

  #proceed(name: string): void {
    const id = this.#reserved.get(name)
    if (id === undefined) return
    this.#reserved.delete(name)
    this.#proceeding.push(id)
  }

  /** Processes are kept for these: their functions are not idempotent, so that they may run is written first. */
  reserved(ids: readonly number[]): void {
    for (const id of ids) {
      const pending = this.#pending.get(id)
      if (!pending) continue
      const { lane, transactionId, step, item, attempt } = pending
      if (this.#draining || lane.closed || lane.draining) {
        this.#workers.cancel(id)
        continue
      }
      pending.reserved = true
      this.#reserved.set(nameOf(transactionId, pending), id)
      lane.tell(transactionId, { type: 'AttemptReserved', atUs: this.#clock.nowUs(), step, item, attempt })
    }
    this.#wake()
  }

  /** Results of lanes that are no longer ours are refused. */
  receive(results: readonly InvocationResult[]): void {
    const atUs = this.#clock.nowUs()
    for (const result of results) {
      crashPoint('result.received')
      if (this.#forgotten.delete(result.id)) continue
      const pending = this.#pending.get(result.id)
      assert(pending, `a result for invocation ${result.id}, which is not under way`)
      this.#pending.delete(result.id)
      if (pending.reserved) this.#reserved.delete(nameOf(pending.transactionId, pending))
      // Taken back before it ran: it is as if it had never been asked for.
      const stopping = this.#draining || pending.lane.draining
      if (stopping && result.errorCode === 'cancelled' && !pending.reserved) continue
      if (pending.ahead !== null && result.errorCode === 'not_effect_free') {
        this.#performLater(pending.ahead, atUs)
        continue
      }
      if (pending.lane.closed) {
        publish('refusal', { what: `result of ${pending.transactionId}`, reason: 'the lane is not ours any more' })
        continue
      }
      const { transactionId, step, item, attempt, eligibleUs } = pending
      const event = {
        type: 'AttemptEnded',
        atUs,
        step,
        item,
        attempt,
        eligibleUs,
        report: this.#reportOf(result, pending),
      } as const
      pending.lane.tell(transactionId, event, pending.ahead?.entry ?? null)
    }
    this.#wake()
  }

  #reportOf(result: InvocationResult, { secrets }: Pending): InvocationResult {
    if (secrets === null) return result
    assert(this.#sealer, 'there are no secret fields without a seal key')
    return scrubbed(result, secrets.scrubber, this.#sealer)
  }

  /** Its function may have effects by now, and it was not run: it is asked for once that is allowed. */
  #performLater({ entry, act }: NonNullable<Pending['ahead']>, atUs: number): void {
    if (entry.fate === 'open') entry.acts = [...entry.acts, act]
    if (entry.fate !== 'durable' || entry.lane.closed) return
    const invocations: Invocation[] = []
    this.perform(entry.lane, [act], atUs, invocations)
    this.dispatch(invocations)
  }

  /**
   * What these attempts follow from was not written: another one may come under their number. `isWhole`: so is all of their
   * transaction; else those that follow from what is durable go on.
   */
  forget(lane: Lane, transactionId: string, isWhole: boolean): void {
    for (const [id, pending] of this.#pending) {
      if (pending.lane !== lane || pending.transactionId !== transactionId) continue
      if (!isWhole && pending.ahead?.entry.fate !== 'undone') continue
      this.#pending.delete(id)
      this.#forgotten.add(id)
      publish('refusal', { what: `attempt of ${transactionId}`, reason: 'what it follows from was not written' })
      this.#workers.cancel(id)
    }
  }

  /** The lane is not ours any more: what waits for a worker need not run, what runs is asked to end. */
  abandon(lane: Lane): void {
    for (const [id, pending] of this.#pending) if (pending.lane === lane) this.#workers.cancel(id)
  }

  /** The lane goes to another coordinator: what no process runs yet is for that one. */
  drainLane(lane: Lane): void {
    const ids = [...this.#pending].filter(([, pending]) => pending.lane === lane).map(([id]) => id)
    if (ids.length > 0) this.#workers.cancelWaiting(new Set(ids))
  }

  drain(): void {
    this.#draining = true
    this.#timers.stop()
    this.#workers.cancelWaiting()
  }
}

function nameOf(transactionId: string, { step, item, attempt }: StepRef & { readonly attempt: number }): string {
  return `${transactionId}/${step}/${item}/${attempt}`
}

const neverRun = {
  outcome: 'lost',
  output: null,
  errorCode: 'cancelled',
  errorMessage: 'it was cancelled before it was run',
  retryAfterMs: null,
  effectUnknown: false,
  dispatchedUs: null,
  startedUs: null,
  finishedUs: null,
  logs: null,
} as const
