/** A coordinator among fakes: one topic, a ledger in memory, workers that answer when they are told. */
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { until } from '../../src/base/poll.ts'
import { Coordinator } from '../../src/coordinator/coordinator.ts'
import { type CoordinatorLimits, defaultLimits } from '../../src/coordinator/limits.ts'
import type { Invocation, InvocationResult, Preparer, TransactionRow, Workers } from '../../src/coordinator/ports.ts'
import type { AttemptReport } from '../../src/transaction/attempt.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { FakeIntake, FakeKafka } from './fake-kafka.ts'
import { engine, FakeLedger } from './fake-ledger.ts'

export const topic = 'orders'

/** Workers that keep what they are asked until `answer`, and look whether it may be asked at all. */
export class FakeWorkers implements Workers {
  readonly #ledger: FakeLedger
  /** Asked and not answered, oldest first. */
  readonly waiting: Invocation[] = []
  /** `step#offset` of everything ever asked, with the attempt where it is not the first. */
  readonly seen: string[] = []
  readonly cancelled: number[] = []
  readonly aborted: number[] = []
  /** Functions without effects. */
  readonly effectFree = new Set<string>()
  /** What should never have been asked. */
  readonly problems: string[] = []
  coordinator: Coordinator | undefined

  constructor(ledger: FakeLedger) {
    this.#ledger = ledger
  }

  invoke(invocations: readonly Invocation[]): void {
    for (const invocation of invocations) {
      const row = this.#ledger.transactions.get(invocation.transactionId)
      if (invocation.ahead) {
        if (!this.effectFree.has(invocation.function)) this.problems.push(`${invocation.step} went ahead`)
        this.seen.push(`${invocation.step}#ahead`)
        this.waiting.push(invocation)
        continue
      }
      if (!row) {
        this.problems.push(`${invocation.step} was asked for before its admission was durable`)
        continue
      }
      this.#check(invocation, row)
      this.seen.push(nameOf(invocation, row.offset))
      this.waiting.push(invocation)
    }
  }

  isEffectFree(name: string): boolean {
    return this.effectFree.has(name)
  }

  cancelWaiting(): void {}
  warm(): void {}

  proceed(): void {}

  cancel(id: number): void {
    this.cancelled.push(id)
  }

  abort(ids: readonly number[]): void {
    this.aborted.push(...ids)
  }

  answer(invocation: Invocation, report: Partial<AttemptReport> = {}): void {
    const at = this.waiting.indexOf(invocation)
    assert(at >= 0, 'answered twice')
    this.waiting.splice(at, 1)
    this.coordinator?.receiveResults([resultOf(invocation, report)])
  }

  /** Answers all that waits now. */
  async answerAll(report: (invocation: Invocation) => Partial<AttemptReport> = () => ({})): Promise<void> {
    for (const invocation of [...this.waiting]) this.answer(invocation, report(invocation))
  }

  /** What commit-then-act and the order by key ask of every invocation. */
  #check({ step, attempt }: Invocation, row: TransactionRow): void {
    const plan = this.#ledger.planOf(row)
    const before = this.#ledger.tables.attemptsOf(row.id)
    const no = plan.steps.findIndex((each) => each.id === step)
    const name = `${step}#${row.offset}`
    if (this.#ledger.endings.has(row.id)) this.problems.push(`${name} was asked for after its transaction's end`)
    for (let one = 0; one < no; one++) {
      const isSettled = before.some((each) => each.step === one && each.stepState !== null)
      if (!isSettled) this.problems.push(`${name} was asked for before step ${one} was settled`)
    }
    const own = before.filter((each) => each.step === no).length
    if (own !== attempt - 1) this.problems.push(`${name} was asked for attempt ${attempt} with ${own} in the ledger`)
    for (const other of this.#ledger.lineOf(row)) {
      const isOver = other.offset >= row.offset || this.#ledger.endings.has(other.id)
      if (!isOver) this.problems.push(`${name} was asked for before #${other.offset} of its key had ended`)
    }
  }
}

function nameOf({ step, attempt }: Invocation, offset: number): string {
  return attempt === 1 ? `${step}#${offset}` : `${step}#${offset}@${attempt}`
}

export function resultOf(invocation: Invocation, report: Partial<AttemptReport>): InvocationResult {
  const nowUs = Date.now() * 1000
  const stamps = { dispatchedUs: nowUs, startedUs: nowUs, finishedUs: nowUs, receivedUs: nowUs }
  const error = { errorCode: null, errorMessage: null, retryAfterMs: null, effectUnknown: false, logs: null }
  return { outcome: 'ok', output: '{}', ...error, ...stamps, ...report, id: invocation.id }
}

export interface World {
  readonly kafka: FakeKafka
  readonly ledger: FakeLedger
  readonly intake: FakeIntake
  readonly workers: FakeWorkers
  readonly coordinator: Coordinator
}

export interface WorldOptions {
  readonly workflows?: readonly string[]
  readonly partitions?: number
  readonly limits?: Partial<CoordinatorLimits>
  /** Shared with an earlier life, or with another coordinator. */
  readonly kafka?: FakeKafka
  readonly ledger?: FakeLedger
  readonly preparer?: Preparer
  /** Nothing is assigned yet. */
  readonly unassigned?: boolean
}

let sessions = 0

export const quick: CoordinatorLimits = {
  ...defaultLimits,
  outagePauseMs: { first: 1, most: 2 },
  reopenPauseMs: { first: 1, most: 5 },
  completeAfterMs: 5,
  renewEveryMs: 20,
  askEveryMs: 1,
  handoverMs: 20,
}

export async function world(options: WorldOptions = {}): Promise<World> {
  const kafka = options.kafka ?? new FakeKafka(topic, options.partitions ?? 1)
  const ledger = options.ledger ?? new FakeLedger()
  const intake = new FakeIntake(kafka)
  const workers = new FakeWorkers(ledger)
  const coordinator = new Coordinator({
    engine,
    session: ++sessions,
    ledger: ledger.port,
    intake,
    workers,
    outbox: { wake() {}, isBusy: () => false, close() {} },
    preparer: options.preparer ?? null,
    clock: systemClock(),
    sealer: null,
    limits: { ...quick, ...options.limits },
    planFromSource,
  })
  after(() => coordinator.stop(0))
  intake.coordinator = coordinator
  workers.coordinator = coordinator
  await coordinator.setPlans((options.workflows ?? [oneStep]).map((source) => planFromSource(source, 'test')))
  coordinator.start()
  if (!options.unassigned) intake.assign(kafka.partitions.map((_, at) => at))
  return { kafka, ledger, intake, workers, coordinator }
}

export const oneStep = `
name: one
on: { kafka: { topic: ${topic} } }
steps:
  - { id: work, uses: work }
`

export const keyed = `
name: keyed
on: { kafka: { topic: ${topic} } }
key: event.data.key
steps:
  - { id: work, uses: work, retry: { attempts: 2, initial: 1ms, jitter: false } }
`

/** Waits until it holds; fails with what the coordinator broke of, if it broke. */
export async function eventually(
  what: string,
  { coordinator, workers, ledger }: World,
  holds: () => boolean,
): Promise<void> {
  const broke = coordinator.failed.then((error) => Promise.reject(error))
  await Promise.race([until(what, holds, { forMs: 5000, everyMs: 1 }), broke])
  assert.deepEqual([...workers.problems, ...ledger.problems], [])
}

/** Long enough for whatever is under way to be seen. */
export async function settled(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}
