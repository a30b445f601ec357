/** Rows for a ledger with one workflow, and batches of them: what tests of any ledger write. */
import type {
  Batch,
  KeptRest,
  LaneProgress,
  LaneSign,
  NewLane,
  OpenedLane,
  SignalRow,
  TransactionRow,
} from '../../src/coordinator/ports.ts'
import type { AttemptRow, EndingRow, PostingRow } from '../../src/transaction/effect.ts'
import { planFromSource } from '../../src/workflow/parse.ts'

export const topic = 'orders'
export const plan = planFromSource(
  `
name: sale
on: { kafka: { topic: ${topic} } }
steps:
  - { id: first, uses: shop/first }
  - { id: second, uses: shop/second }
`,
  'sale.yaml',
)

export const lowest = '00000000-0000-0000-0000-000000000000'
export const baseUs = Date.parse('2026-05-01T10:00:00.000Z') * 1000

export function newLanes(partitions: number, workflowId: number): NewLane[] {
  return Array.from({ length: partitions }, (_, partition) => ({
    partition,
    nextOffset: 0,
    subscriptions: [{ workflowId, fromOffset: 0 }],
  }))
}

export function sign({ laneId, epoch }: OpenedLane): LaneSign {
  return { laneId, epoch, paused: null, queued: 0, running: 0 }
}

let commits = 0n

export function batch(lanes: readonly LaneProgress[], rows: Partial<Batch> = {}): Batch {
  const none = {
    transactions: [],
    begun: [],
    attempts: [],
    endings: [],
    rests: [],
    restsOver: [],
    taken: [],
    postings: [],
    turns: [],
    reopened: [],
    signals: [],
    deadLetters: [],
    failedLetters: [],
    letterStates: [],
    messages: [],
    commands: [],
    passed: [],
    subscriptions: [],
    parked: [],
  }
  return { commitId: ++commits, sentUs: baseUs, lanes, ...none, last: null, ...rows }
}

export function progress({ laneId, epoch }: OpenedLane, nextOffset = 1, lowId = lowest): LaneProgress {
  return { laneId, epoch, nextOffset, lowId }
}

/** Ids that are in the order of `n`. */
export function idOf(n: number): string {
  return `01970000-0000-8000-8000-${String(n).padStart(12, '0')}`
}

export function transaction(lane: OpenedLane, versionId: number, n: number, what: Partial<TransactionRow> = {}) {
  return {
    laneId: lane.laneId,
    id: idOf(n),
    versionId,
    offset: n,
    key: 'k',
    eventId: `e${n}`,
    envelope: '{"key":"k","type":null,"source":null,"time":"2026-05-01T10:00:00.000Z","meta":{},"data":{"n":1}}',
    auth: null,
    producedUs: baseUs - 2000,
    fetchedUs: baseUs - 1000,
    admittedUs: baseUs + n,
    dedup: null,
    raw: null,
    redrivenFrom: null,
    parent: null,
    ...what,
  }
}

export function attempt(lane: OpenedLane, n: number, what: Partial<AttemptRow> = {}) {
  const row: AttemptRow = {
    transactionId: idOf(n),
    step: 0,
    item: '',
    attempt: 1,
    outcome: 'ok',
    stepState: 'ok',
    errorCode: null,
    errorMessage: null,
    output: '{"done":true}',
    logs: 'a line\n',
    nextUs: null,
    eligibleUs: baseUs + 1000,
    dispatchedUs: baseUs + 2000,
    startedUs: baseUs + 4000,
    finishedUs: baseUs + 8000,
    receivedUs: baseUs + 9000,
    resolvedBy: null,
    seq: null,
    unknown: null,
    round: null,
  }
  return { ...row, ...what, laneId: lane.laneId }
}

/** An attempt that may have run. */
export function begin(lane: OpenedLane, n: number) {
  return { laneId: lane.laneId, transactionId: idOf(n), step: 0, item: '', attempt: 1 }
}

export function ending(lane: OpenedLane, n: number, what: Partial<EndingRow> = {}) {
  const row: EndingRow = {
    transactionId: idOf(n),
    state: 'completed',
    errorCode: null,
    errorMessage: null,
    endedUs: baseUs + 10_000,
    recordKept: false,
  }
  return { ...row, ...what, laneId: lane.laneId }
}

/** What a chain that runs has not. */
export const nothingElse = {
  begun: [],
  rests: [],
  children: [],
  postings: [],
  parent: null,
  failure: null,
  rounds: [],
  ended: null,
}

export const waitedFor = 'news'
/** Numbers of its steps; `undo` is behind what it undoes. */
export const at = { work: 0, undo: 1, nap: 2, wait: 3, all: 4, pay: 5, sub: 6 } as const
export const stays = planFromSource(
  `
name: stay
on: { kafka: { topic: ${topic} } }
signals: { ${waitedFor}: { key: event.data.k } }
steps:
  - { id: work, uses: shop/work, compensate: shop/undo }
  - { id: nap, sleep: 1h }
  - { id: wait, wait: { topic: ${waitedFor}, key: event.data.k } }
  - { id: all, forEach: event.data.list, steps: [{ id: pay, uses: shop/pay }] }
  - { id: sub, call: sale }
`,
  'stay.yaml',
)

/** A step that sleeps, alone. */
export function rest(lane: OpenedLane, n: number, what: Partial<KeptRest> = {}) {
  const row: KeptRest = {
    transactionId: idOf(n),
    step: at.nap,
    item: '',
    dueUs: baseUs + n * 1000,
    sinceUs: baseUs,
    wait: null,
    isAlone: true,
    isStrict: false,
    workflowId: 0,
  }
  return { ...row, ...what, laneId: lane.laneId }
}

/** A step that waits for an event, alone. */
export function waiting(lane: OpenedLane, n: number, workflowId: number, what: Partial<KeptRest> = {}) {
  const wait = { topic: waitedFor, key: 'k', notBeforeUs: baseUs }
  return rest(lane, n, { step: at.wait, dueUs: null, wait, workflowId, ...what })
}

/** Of the wait, or of another step. */
export function over(lane: OpenedLane, n: number, step: number = at.wait) {
  return { laneId: lane.laneId, transactionId: idOf(n), step, item: '' }
}

/** Ids of events, in the order of `n`: they begin with the time at which they came. */
export function newsIdOf(n: number): string {
  const time = (baseUs / 1000).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}${idOf(n).slice(13)}`
}

/** An event that is kept. */
export function signal(lane: OpenedLane, n: number, workflowId: number, what: Partial<SignalRow> = {}) {
  const row: SignalRow = {
    id: newsIdOf(n),
    workflowId,
    offset: n,
    key: 'k',
    atUs: baseUs + n,
    receivedUs: baseUs + n,
    keepUntilUs: baseUs + 3_600_000_000,
    take: 'all',
    text: `{"n":${n}}`,
  }
  return { ...row, ...what, laneId: lane.laneId }
}

/** From the first account to the second. */
export function posting(lane: OpenedLane, n: number, what: Partial<PostingRow> = {}) {
  const row: PostingRow = {
    transactionId: idOf(n),
    step: at.work,
    item: '',
    attempt: 1,
    n: 0,
    debit: 'viewer',
    credit: 'shop',
    amount: 250n,
    currency: 'CZK',
    party: null,
    chargeKey: null,
    reverses: null,
    atUs: baseUs,
  }
  return { ...row, ...what, laneId: lane.laneId }
}
