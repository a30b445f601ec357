/**
 * The film without an engine: the workflow's file and the heart decide, the functions run in this process against a real
 * provider, and what the heart asks to be written is kept in lists. Time is what the heart is told it is.
 */
import { readFile } from 'node:fs/promises'
import { type Context, type Failure, type FunctionDefinition, z } from 'millrace'
import type { PostedSum } from '../../demo/balance.ts'
import type { DemoRequest } from '../../demo/world/requests.ts'
import { keyOfSeed } from '../../src/base/key-of-seed.ts'
import type { Auth } from '../../src/envelope/auth.ts'
import { admit } from '../../src/transaction/admit.ts'
import type { AttemptReport, Posted } from '../../src/transaction/attempt.ts'
import type { Effect, Invoke, PostingRow } from '../../src/transaction/effect.ts'
import type { TransactionEvent } from '../../src/transaction/event.ts'
import { progressOf } from '../../src/transaction/steps.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'
import { transition } from '../../src/transaction/transition.ts'
import { planFromSource } from '../../src/workflow/parse.ts'

export interface Trouble {
  /** It is cancelled once this step has ended well, or is under way. */
  readonly cancelAfter?: string
  readonly cancelDuring?: string
  /** This step does its work each time, and nobody hears of it. */
  readonly lost?: string
  /** This step does its work once, unheard; from then on it is told that the provider is busy, until it gives up. */
  readonly unheard?: string
  /** This step fails for good, before it does anything. */
  readonly fails?: string
}

export interface Run {
  readonly id: string
  readonly state: string
  readonly code: string | null
  /** Names of steps that ended well, in order, `bill_party[0]` of an item; and of those that were undone. */
  readonly done: readonly string[]
  readonly undone: readonly string[]
  readonly sums: readonly PostedSum[]
  /** By topic. */
  readonly messages: Readonly<Record<string, readonly unknown[]>>
}

const file = new URL('../../../workflows/video-stream.yaml', import.meta.url)
const plan = planFromSource(await readFile(file, 'utf8'), 'video-stream.yaml')
const startUs = Date.parse('2026-05-01T12:00:00Z') * 1000

/** `teardown`: the data of the viewer's event; undefined: none comes. */
export async function runFilm(request: DemoRequest, teardown: unknown, trouble: Trouble = {}): Promise<Run> {
  const film = new Film(request, teardown, trouble)
  await film.play()
  return film.run()
}

class Film {
  readonly #teardown: unknown
  readonly #trouble: Trouble
  readonly #events: TransactionEvent[] = []
  readonly #running = new Map<string, AbortController>()
  readonly #postings: PostingRow[] = []
  readonly #messages: Record<string, unknown[]> = {}
  readonly #done: string[] = []
  readonly #undone: string[] = []
  #code: string | null = null
  #transaction: Transaction
  #nowUs = startUs
  #wake: () => void = () => {}

  constructor(request: DemoRequest, teardown: unknown, trouble: Trouble) {
    this.#teardown = teardown
    this.#trouble = trouble
    this.#transaction = admitted(request)
  }

  async play(): Promise<void> {
    this.#events.push({ type: 'Started', atUs: this.#nowUs })
    while (!isOver(this.#transaction)) {
      const event = this.#events.shift()
      if (event === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
      else this.#take(event)
    }
  }

  run(): Run {
    const sums = sumsOf(this.#postings)
    const { id, state } = this.#transaction
    return { id, state, code: this.#code, sums, done: this.#done, undone: this.#undone, messages: this.#messages }
  }

  #take(event: TransactionEvent): void {
    const result = transition(this.#transaction, event)
    if ('refused' in result) return
    this.#transaction = result.transaction
    for (const effect of result.effects) this.#follow(effect)
    if (this.#transaction.state === 'waiting') this.#awake()
  }

  #follow(effect: Effect): void {
    switch (effect.type) {
      case 'Invoke':
        void this.#invoke(effect)
        break
      case 'Abort':
        this.#running.get(placeOf(effect))?.abort(new DOMException('nobody needs it', 'AbortError'))
        break
      case 'ArmTimer': {
        const { step, item, dueUs } = effect
        this.#tell({ type: 'TimerDue', atUs: Math.max(dueUs, this.#nowUs), step, item })
        break
      }
      case 'RecordPosting':
        this.#postings.push(effect.row)
        break
      case 'RecordMessage': {
        const { topic, value, error } = effect.row
        const told = error ?? JSON.parse(String(value ?? 'null'))
        this.#messages[topic] = [...(this.#messages[topic] ?? []), told]
        break
      }
      case 'RecordEnding':
        this.#code = effect.row.errorCode
    }
  }

  /** The only thing it rests for is the end of the film; it comes back as one that is queued. */
  #awake(): void {
    const step = plan.steps.find(({ id }) => id === 'teardown')!
    this.#transaction = { ...this.#transaction, state: 'queued' }
    const at = { step: step.no, item: '' }
    if (this.#teardown !== undefined) {
      const text = JSON.stringify({ id: 'x', type: null, source: null, time: '', key: 'k', data: this.#teardown })
      this.#tell({ type: 'SignalArrived', atUs: this.#nowUs, ...at, signal: { id: 'x', text } })
    } else {
      const dueUs = progressOf(this.#transaction, step.no).dueUs!
      this.#nowUs = Math.max(this.#nowUs, dueUs)
    }
    this.#tell({ type: 'Started', atUs: this.#nowUs })
  }

  async #invoke(effect: Invoke): Promise<void> {
    const { step, item, attempt } = effect
    const name = item === '' ? step.id : `${step.id}[${item}]`
    const controller = new AbortController()
    this.#running.set(placeOf({ step: step.no, item, attempt }), controller)
    const isForward = step.kind === 'invoke'
    if (isForward && this.#trouble.cancelDuring === name) this.#cancel()
    const report = await this.#reportOf(effect, isForward ? name : '', controller.signal)
    if (report.outcome === 'ok') (isForward ? this.#done : this.#undone).push(name)
    this.#tell({ type: 'AttemptEnded', atUs: ++this.#nowUs, step: step.no, item, attempt, eligibleUs: null, report })
    if (isForward && report.outcome === 'ok' && this.#trouble.cancelAfter === name) this.#cancel()
  }

  async #reportOf(effect: Invoke, name: string, signal: AbortSignal): Promise<AttemptReport> {
    const planned = { ...nothing, errorMessage: 'as planned' }
    if (this.#trouble.fails === name) return { ...planned, outcome: 'fail', errorCode: 'trouble' }
    if (this.#trouble.unheard === name && effect.attempt > 1) return { ...planned, outcome: 'retry', errorCode: 'busy' }
    const report = await attemptOf(effect, this.#transaction.id, signal)
    if (this.#trouble.lost !== name && this.#trouble.unheard !== name) return report
    return { ...planned, outcome: 'timeout', errorCode: 'step_timeout', effectUnknown: true }
  }

  #cancel(): void {
    this.#tell({ type: 'CancelAsked', atUs: ++this.#nowUs, by: 'somebody: as planned' })
  }

  #tell(event: TransactionEvent): void {
    this.#events.push(event)
    this.#wake()
  }
}

function admitted({ id, value, headers }: DemoRequest): Transaction {
  const envelope = { id, type: 'video.requested', source: null, time: '2026-05-01T12:00:00Z', key: null, meta: {} }
  const auth = authOf(headers)
  const origin = { engine: 'test', topic: id, incarnation: '', partition: 0, offset: 0 }
  const data = JSON.parse(value.toString())
  return admit(plan, { ...envelope, auth, data }, { origin, producedUs: startUs, admittedUs: startUs })
}

/** As if token and key were looked at: here only the business is tried. */
function authOf({ authorization = '', ce_source: source = '' }: DemoRequest['headers']): Auth {
  const claims = JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString())
  const viewer = { principal: claims.sub, family: 'jwt', roles: [], claims }
  const site = { principal: new URL(source).hostname.split('.')[0] ?? '', family: 'apiKey', roles: [], claims: {} }
  return { ...viewer, by: { viewer, site } }
}

function isOver({ state }: Transaction): boolean {
  return ['completed', 'compensated', 'cancelled', 'failed'].includes(state)
}

/** As SQL would sum them up: of one account there is one currency here. */
function sumsOf(postings: readonly PostingRow[]): PostedSum[] {
  const byAccount = new Map<string, PostedSum>()
  const add = (account: string, amount: bigint, { transactionId, currency }: PostingRow) => {
    const sum = amount + (byAccount.get(account)?.sum ?? 0n)
    byAccount.set(account, { transactionId, account, currency, sum })
  }
  for (const row of postings) {
    add(row.debit, -row.amount, row)
    add(row.credit, row.amount, row)
  }
  return [...byAccount.values()]
}

function placeOf({ step, item, attempt }: { step: number; item: string; attempt: number }): string {
  return `${step}/${item}/${attempt}`
}

const nothing = {
  output: null,
  errorCode: null,
  errorMessage: null,
  retryAfterMs: null,
  effectUnknown: false,
  dispatchedUs: null,
  startedUs: null,
  finishedUs: null,
  receivedUs: startUs,
  logs: null,
} as const

/** As a worker process does it, but for what is looked at before it gets that far. */
async function attemptOf(effect: Invoke, transactionId: string, signal: AbortSignal): Promise<AttemptReport> {
  const { step, input } = effect
  const { default: definition } = await import(`../../workflows/functions/${step.uses}.js`)
  const posted: Posted[] = []
  const emitted: { topic: string; key: string | null; value: string; headers: Record<string, string> }[] = []
  const context: Context = {
    ...contextOf(effect, transactionId, signal),
    post: ({ amount, party = null, key = null, ...same }) =>
      void posted.push({ ...same, amount: String(amount), party, key }),
    emit: ({ topic, key = null, value }) =>
      void emitted.push({ topic, key: key === null ? null : String(key), value: JSON.stringify(value), headers: {} }),
  }
  const answer = await outcomeOf(definition, JSON.parse(input), context)
  if ('report' in answer) return { ...nothing, ...answer.report }
  return { ...nothing, outcome: 'ok', output: JSON.stringify(answer.output), posted, emitted }
}

async function outcomeOf(
  { input, output, run }: FunctionDefinition,
  given: unknown,
  context: Context,
): Promise<
  { readonly output: unknown } | { readonly report: Partial<AttemptReport> & Pick<AttemptReport, 'outcome'> }
> {
  try {
    const answer = await run({ input: input!.parse(given), context })
    if (!isFailure(answer)) return { output: output!.parse(answer) }
    return { report: { outcome: answer.kind, errorCode: answer.code, errorMessage: answer.message } }
  } catch (error) {
    if (error instanceof z.ZodError) throw error
    const { code = 'thrown', message } = error as Error & { code?: string }
    const said = { errorMessage: message, effectUnknown: true }
    if (context.signal.aborted) return { report: { ...said, outcome: 'fail', errorCode: 'aborted' } }
    return { report: { ...said, outcome: 'retry', errorCode: String(code) } }
  }
}

function isFailure(answer: unknown): answer is Failure {
  return typeof answer === 'object' && answer !== null && 'kind' in answer
}

function contextOf(
  { step, attempt, idempotencySeed, forwardSeed }: Invoke,
  transactionId: string,
  signal: AbortSignal,
) {
  const silent = () => {}
  return {
    transactionId,
    workflow: plan.name,
    step: step.id,
    attempt,
    idempotencyKey: keyOfSeed(idempotencySeed),
    direction: forwardSeed === null ? 'forward' : 'undo',
    forwardKey: forwardSeed === null ? null : keyOfSeed(forwardSeed),
    traceparent: null,
    deadline: new Date(Date.now() + step.timeoutMs),
    signal,
    log: { debug: silent, info: silent, warn: silent, error: silent },
  } as const
}
