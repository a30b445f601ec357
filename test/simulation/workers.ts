/**
 * Worker processes of one coordinator: each attempt waits for a place, runs, acts outside, and ends in one result, or not
 * in time. Functions whose name begins with `once/` are not idempotent: a process is kept for them, and they are called
 * when that is durable. Those that begin with `pure/` have no effects outside, which is known once one has run; what they
 * read is something else each time.
 */
import type { Coordinator } from '../../src/coordinator/coordinator.ts'
import type { Invocation, InvocationResult, Workers } from '../../src/coordinator/ports.ts'
import type { AttemptReport, Posted } from '../../src/transaction/attempt.ts'
import { nameOfPlace, placeOf } from './place.ts'
import type { Process } from './process.ts'
import type { Provider } from './provider.ts'

export const fates = [
  'ok',
  'asks again',
  'gives up',
  'throws',
  'hangs',
  'crashes before its effect',
  'crashes after its effect',
  'is lost',
  'answers late',
  'answers what is refused',
] as const
export type Fate = (typeof fates)[number]

export interface WorkerWeather {
  readonly fates: Readonly<Partial<Record<Fate, number>>>
  readonly places: number
  /** How long a function takes, in µs. */
  readonly runUs: number
}

export interface WorkerWatch {
  invoked(process: Process, invocation: Invocation): void
  ended(process: Process, invocation: Invocation, result: InvocationResult): void
  fated(process: Process, fate: Fate, invocation: Invocation): void
  charged(process: Process, invocation: Invocation): void
}

export type RunState = 'waiting' | 'kept' | 'running' | 'ended'

interface Run {
  readonly invocation: Invocation
  readonly once: boolean
  readonly pure: boolean
  state: RunState
  dispatchedUs: number | null
  /** It acts outside though it has ended. */
  isLate: boolean
  /** The provider's. */
  answer: string | null
}

/** Output that the ledger refuses. */
export const poison = 'POISON'
/** Children outlive their coordinator by no more than this. */
const orphanUs = 1_000_000

export class SimulatedWorkers implements Workers {
  readonly #process: Process
  readonly #provider: Provider
  readonly #weather: () => WorkerWeather
  readonly #watch: WorkerWatch
  readonly #runs = new Map<number, Run>()
  #queue: Run[] = []
  #busy = 0
  /** Functions of which a process has said that they have no effects. */
  readonly #known = new Set<string>()
  #diedUs: number | null = null
  coordinator: Coordinator | undefined

  constructor(process: Process, provider: Provider, weather: () => WorkerWeather, watch: WorkerWatch) {
    this.#process = process
    this.#provider = provider
    this.#weather = weather
    this.#watch = watch
  }

  invoke(invocations: readonly Invocation[]): void {
    for (const invocation of invocations) {
      this.#watch.invoked(this.#process, invocation)
      const kinds = { once: isOnce(invocation), pure: isPure(invocation) }
      const run: Run = { invocation, ...kinds, state: 'waiting', dispatchedUs: null, isLate: false, answer: null }
      this.#runs.set(invocation.id, run)
      this.#queue.push(run)
      const { notAfterUs } = invocation
      if (notAfterUs !== null) this.#hear(notAfterUs - this.#process.clock.nowUs(), () => this.#outOfTime(run))
    }
    this.#pump()
  }

  cancel(id: number): void {
    const run = this.#runs.get(id)
    if (!run || run.state === 'ended' || run.state === 'running') return
    this.#end(run, { outcome: 'lost', errorCode: 'cancelled', effectUnknown: false })
  }

  warm(): void {}

  /** Of what runs the signal is aborted: some hear it and give up, others go on as if nothing were. */
  abort(ids: readonly number[]): void {
    for (const id of ids) {
      const run = this.#runs.get(id)
      if (run?.state !== 'running') this.cancel(id)
      else if (this.#process.schedule.random.chance(hears)) this.#giveUp(run)
    }
  }

  cancelWaiting(ids?: ReadonlySet<number>): void {
    for (const id of [...this.#runs.keys()]) if (ids?.has(id) !== false) this.cancel(id)
  }

  isEffectFree(name: string): boolean {
    return this.#known.has(name)
  }

  proceed(ids: readonly number[]): void {
    for (const id of ids) {
      const run = this.#runs.get(id)
      if (run?.state === 'kept') this.#run(run)
    }
  }

  /** The coordinator is gone: children follow it, and what they have begun may still be done. */
  die(): void {
    this.#diedUs = this.#process.schedule.nowUs
  }

  /** What it runs or keeps a process for. */
  stateOf(transactionId: string): RunState | null {
    for (const run of this.#runs.values()) if (run.invocation.transactionId === transactionId) return run.state
    return null
  }

  #pump(): void {
    while (this.#busy < this.#weather().places && this.#queue.length > 0) {
      const run = this.#queue.shift() as Run
      if (run.state !== 'waiting') continue
      this.#busy++
      if (run.once) this.#keep(run)
      else if (run.invocation.ahead && this.#process.schedule.random.chance(reloaded)) this.#refuse(run)
      else this.#run(run)
    }
  }

  /**
   * Whoever gives up knows that nothing was done, and that nothing will be: its provider has refused its key. Where that has
   * charged for it before, it says so, and all is well.
   */
  #fateOf({ invocation, once, pure }: Run): Fate {
    const fate = this.#process.schedule.random.weighted<Fate>(this.#weather().fates)
    const { idempotencySeed: key, forwardSeed } = invocation
    if (once || pure) return fate
    if (forwardSeed !== null) return fate === 'gives up' && this.#provider.voided.has(forwardSeed) ? 'ok' : fate
    if (this.#provider.refused.has(key) && lives[fate].report.outcome === undefined) return 'gives up'
    return fate !== 'gives up' || this.#provider.refuse(key) ? fate : 'ok'
  }

  #keep(run: Run): void {
    run.state = 'kept'
    const { name } = this.#process
    this.#process.hear(this.#someUs(2000), `${name} keeps a process for ${nameOf(run.invocation)}`, () => {
      if (run.state === 'kept') this.coordinator?.receiveReserved([run.invocation.id])
    })
  }

  /** Its file has just been changed, and back again. */
  #refuse(run: Run): void {
    this.#known.delete(run.invocation.function)
    run.state = 'running'
    this.#end(run, { outcome: 'lost', errorCode: 'not_effect_free', effectUnknown: false })
  }

  #run(run: Run): void {
    const { random } = this.#process.schedule
    if (run.pure) this.#known.add(run.invocation.function)
    run.state = 'running'
    run.dispatchedUs = this.#process.clock.nowUs()
    const fate = this.#fateOf(run)
    if (fate !== 'ok') this.#watch.fated(this.#process, fate, run.invocation)
    const timeoutUs = run.invocation.timeoutMs * 1000
    const wantedUs = this.#someUs(this.#weather().runUs) * (fate === 'answers late' ? 20 : 1)
    const isKilled = fate === 'hangs' || wantedUs >= timeoutUs
    const { acts, report } = isKilled ? killed : lives[fate]
    const takesUs = isKilled ? timeoutUs : wantedUs
    if (run.pure) run.answer = this.#provider.read()
    else if (random.chance(acts)) this.#act(run, takesUs * random.fraction())
    const retryAfterMs = report.outcome === 'retry' ? random.pick([null, 0, 300]) : null
    const emitted = random.chance(0.1) ? [{ topic: 'told', key: null, value: '{"by":"hand"}', headers: {} }] : []
    const posted = postedBy(run.invocation)
    this.#hear(takesUs, () => this.#end(run, { retryAfterMs, emitted, posted, ...outputOf(run), ...report }))
  }

  /** What it has asked of the provider may be on its way. */
  #giveUp(run: Run): void {
    run.isLate = this.#process.schedule.random.chance(0.5)
    this.#hear(this.#someUs(2000), () => this.#end(run, failed('fail', 'aborted', true)))
  }

  #act(run: Run, delayUs: number): void {
    const { schedule, name } = this.#process
    const { invocation } = run
    schedule.after(delayUs, `${name} ${nameOf(invocation)} acts`, () => {
      if (this.#diedUs !== null && schedule.nowUs > this.#diedUs + orphanUs) return
      if (run.state === 'ended' && !run.isLate) return
      run.answer = this.#actOn(run)
      this.#watch.charged(this.#process, invocation)
    })
  }

  #actOn({ invocation, once }: Run): string {
    const { transactionId, idempotencySeed, forwardSeed } = invocation
    const { nowUs } = this.#process.schedule
    const step = nameOfPlace(placeOf(invocation))
    const undone = forwardSeed === null ? null : this.#provider.undo(forwardSeed)
    if (once) return this.#provider.chargeAgain(idempotencySeed, transactionId, step, nowUs).answer
    return undone ?? this.#provider.charge(idempotencySeed, transactionId, step, nowUs)?.answer ?? 'undone before'
  }

  #outOfTime(run: Run): void {
    if (run.state === 'ended') return
    this.#end(run, { ...killed.report, effectUnknown: run.state === 'running' })
  }

  #end(run: Run, report: Partial<AttemptReport>): void {
    if (run.state === 'ended') return
    if (run.state !== 'waiting') this.#busy--
    run.state = 'ended'
    const { name } = this.#process
    const result = this.#resultOf(run, report)
    const label = `${name} ${nameOf(run.invocation)} ended: ${result.outcome}${result.errorCode ? ` ${result.errorCode}` : ''}`
    this.#watch.ended(this.#process, run.invocation, result)
    this.#process.hear(this.#someUs(500), label, () => {
      this.#runs.delete(run.invocation.id)
      this.coordinator?.receiveResults([result])
      this.#pump()
    })
  }

  #resultOf({ invocation, dispatchedUs }: Run, report: Partial<AttemptReport>): InvocationResult {
    const nowUs = this.#process.clock.nowUs()
    const stamps = { dispatchedUs, startedUs: dispatchedUs, finishedUs: nowUs, receivedUs: nowUs }
    const nothing = { output: null, errorCode: null, errorMessage: null, retryAfterMs: null, logs: null }
    return { outcome: 'ok', ...nothing, effectUnknown: false, ...stamps, ...report, id: invocation.id }
  }

  #hear(delayUs: number, act: () => void): void {
    this.#process.hear(delayUs, '', act)
  }

  #someUs(mean: number): number {
    return Math.round(this.#process.schedule.random.exponential(mean))
  }
}

/** How probable it is that it acts outside, and what comes back. */
interface Life {
  readonly acts: number
  readonly report: Partial<AttemptReport>
}

const killed: Life = {
  acts: 0.5,
  report: { outcome: 'timeout', errorCode: 'timeout', output: null, effectUnknown: true },
}

const lives: Readonly<Record<Fate, Life>> = {
  ok: { acts: 1, report: {} },
  'asks again': { acts: 0, report: failed('retry', 'not_yet', false) },
  'gives up': { acts: 0, report: failed('fail', 'gave_up', false) },
  throws: { acts: 0.5, report: failed('retry', 'threw', true) },
  hangs: killed,
  'crashes before its effect': { acts: 0, report: failed('crash', 'exited', true) },
  'crashes after its effect': { acts: 1, report: failed('crash', 'exited', true) },
  'is lost': { acts: 0.5, report: failed('lost', 'lost_with_process', true) },
  'answers late': { acts: 1, report: {} },
  'answers what is refused': { acts: 1, report: { output: JSON.stringify(poison) } },
}

function failed(outcome: AttemptReport['outcome'], errorCode: string, effectUnknown: boolean): Partial<AttemptReport> {
  return { outcome, errorCode, output: null, effectUnknown }
}

/** What `pay/` functions post, and those that undo it on their own. */
function postedBy({ function: name, input }: Invocation): readonly Posted[] {
  const posted = { debit: 'viewer', credit: 'shop', amount: '100', currency: 'CZK', party: 'p', key: null }
  if (name === 'pay/a') return [posted, { ...posted, amount: '7', credit: 'tax' }]
  if (name === 'pay/key') return [{ ...posted, key: `order-${(JSON.parse(input) as { n: unknown }).n}` }]
  if (name !== 'undo/own') return []
  const { output } = JSON.parse(input) as { output: { paid?: readonly Posted[] } | null }
  return (output?.paid ?? []).map(({ debit, credit, ...rest }) => ({
    ...rest,
    debit: credit,
    credit: debit,
    key: null,
  }))
}

function outputOf({ answer, invocation }: Run): Partial<AttemptReport> {
  const paid = postedBy(invocation)
  return { output: JSON.stringify(paid.length === 0 ? { answer } : { answer, paid }) }
}

/** How often a function has effects when it comes to it. */
const reloaded = 0.03
/** How often one that is aborted listens. */
const hears = 0.6

export function isPure({ function: name }: Pick<Invocation, 'function'>): boolean {
  return name.startsWith('pure/')
}

export function isOnce({ function: name }: Pick<Invocation, 'function'>): boolean {
  return name.startsWith('once/')
}

export function nameOf(invocation: Invocation): string {
  return `${invocation.transactionId.slice(-6)}.${nameOfPlace(placeOf(invocation))}#${invocation.attempt}`
}
