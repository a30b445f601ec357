/** One of each fact that is measured, so that each metric has something to tell. */

import type { Facts } from '../../src/telemetry/channels.ts'
import type { Durable } from '../../src/telemetry/durable.ts'
import type { TelemetryOptions } from '../../src/telemetry/options.ts'

const lane = { topic: 't', partition: 1 }
const letter = { ...lane, offset: '9', workflow: 'order', code: 'value_null', reason: 'no value' }

const transaction = {
  id: '019c2f4e-1111-8222-8333-444455556666',
  envelope: { meta: {} },
  plan: { name: 'order', steps: [{ id: 'pay', kind: 'invoke', uses: 'pay' }] },
  position: { ...lane, offset: 9 },
  admittedUs: 1000,
  round: 1,
  parent: null,
}

const attempt = {
  transactionId: transaction.id,
  step: 0,
  item: '',
  attempt: 1,
  outcome: 'timeout',
  errorCode: 'step_timeout',
  errorMessage: 'late',
  eligibleUs: 1000,
  dispatchedUs: 2000,
  startedUs: 3000,
  finishedUs: 13_000,
  receivedUs: 14_000,
  resolvedBy: null,
}

const admitted = {
  id: transaction.id,
  offset: 9,
  eventId: 'e',
  producedUs: 0,
  fetchedUs: 500,
  admittedUs: 1000,
  redrivenFrom: null,
  parent: null,
}

export const durable: Durable = {
  ...lane,
  transactions: [transaction],
  admitted: [admitted],
  attempts: [attempt],
  endings: [],
  letters: [],
  returnedUs: 15_000,
}

const message = { id: 'm', transactionId: transaction.id, topic: 'out', headers: '{}', letter: null, error: null }

export const facts = {
  durable: [durable],
  'lane.paused': { ...lane, reason: 'full' },
  commit: { events: 3, rows: 5, lanes: 1, durationMs: 4 },
  'commit.failed': { kind: 'ledger_outage', message: 'away', retryInMs: 1 },
  fenced: { ...lane, epoch: 1 },
  refusal: { what: 'a result', reason: 'late' },
  'dead-letter': letter,
  published: { ...lane, messages: 2, durationMs: 5, batch: [message, { ...message, error: 'never' }] },
  'outbox.stalled': { ...lane, code: 'c', reason: 'r' },
  'message.refused': { ...lane, id: 'm', to: 'out', reason: 'r' },
  duplicate: { workflow: 'order', transactionId: 'a', firstId: 'b' },
  handover: { ...lane, epoch: 1, durationMs: 1, drained: true },
  'in-doubt': { workflow: 'order', step: 'pay', transactionId: transaction.id },
  gap: { ...lane, from: '1', to: '2', reason: 'compacted' },
  watchdog: { ...lane, stalledMs: 1, total: 1 },
  passed: { ...lane, offset: '9' },
  ended: { workflow: 'order', state: 'completed', durationMs: 20, code: null, transactionId: transaction.id },
  'worker.gone': { function: 'pay', pid: 1, reason: 'idle', inFlight: 0 },
  'function.outage': { function: 'pay', code: 'c', message: 'm', waiting: 1 },
  'function.spans': { text: '[]', dropped: 4 },
  outage: { service: 'kafka', address: 'h:1', message: 'gone' },
  answered: { method: 'BREW', status: 202, durationMs: 6 },
} as const satisfies Partial<Facts>

export const standing = {
  lanes: 1,
  assigned: 2,
  running: 3,
  queued: 4,
  functions: [{ name: 'pay', processes: 1, running: 2, waiting: 3 }],
  lag: async () => [{ ...lane, records: 7 }],
}

export const options: TelemetryOptions = {
  engine: 'e',
  traces: 'none',
  metrics: ['prometheus'],
  endpoint: null,
  headers: null,
  protocol: 'http/protobuf',
  service: 'shop',
  sampler: 'always_on',
  ratio: 1,
  intervalMs: 60_000,
  disabled: false,
}
