/** Rows for a ledger with one workflow, and batches of them: what tests of any ledger write. */
import type { Batch, LaneProgress, LaneSign, NewLane, OpenedLane, TransactionRow } from '../../src/coordinator/ports.ts'
import type { AttemptRow, EndingRow } from '../../src/transaction/effect.ts'
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
