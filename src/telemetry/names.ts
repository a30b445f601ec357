/**
 * Every name that leaves the engine by traces and metrics. Where OpenTelemetry has a word it is taken: semantic conventions 1.37
 * for messaging, FaaS and HTTP (https://opentelemetry.io/docs/specs/semconv/). All else begins with `millrace.`.
 */

/** Scope of spans and metrics. */
export const scopeName = 'millrace'

export const attributes = {
  system: 'messaging.system',
  operation: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  partition: 'messaging.destination.partition.id',
  group: 'messaging.consumer.group.name',
  offset: 'messaging.kafka.offset',
  messageId: 'messaging.message.id',
  function: 'faas.invoked_name',
  provider: 'faas.invoked_provider',
  invocation: 'faas.invocation_id',
  errorType: 'error.type',
  method: 'http.request.method',
  status: 'http.response.status_code',
  route: 'http.route',
  engine: 'millrace.engine',
  workflow: 'millrace.workflow',
  transaction: 'millrace.transaction.id',
  parent: 'millrace.transaction.parent_id',
  redrivenFrom: 'millrace.redriven_from',
  deadLetter: 'millrace.dead_letter.id',
  state: 'millrace.transaction.state',
  round: 'millrace.transaction.round',
  step: 'millrace.step',
  item: 'millrace.item',
  attempt: 'millrace.attempt',
  outcome: 'millrace.outcome',
  /** Of a commit: events, rows, lanes. */
  events: 'millrace.commit.events',
  rows: 'millrace.commit.rows',
  lanes: 'millrace.commit.lanes',
  /** The latency path of an attempt, in milliseconds. */
  waitMs: 'millrace.wait_ms',
  dispatchMs: 'millrace.dispatch_ms',
  runMs: 'millrace.run_ms',
  commitMs: 'millrace.commit_ms',
  /** From the producer's stamp to the fetch. */
  producedMs: 'millrace.produced_ms',
  phase: 'millrace.phase',
  code: 'millrace.code',
  reason: 'millrace.reason',
  service: 'millrace.service',
} as const

type Kind = 'counter' | 'histogram' | 'gauge'

export interface Metric {
  readonly name: string
  readonly kind: Kind
  /** UCUM; empty: a yes (1) or no (0). */
  readonly unit: string
  readonly about: string
}

const of = (kind: Kind, name: string, unit: string, about: string): Metric => ({ kind, name, unit, about })

export const metrics = {
  consumed: of('counter', 'messaging.client.consumed.messages', '{message}', 'Records that became something.'),
  sent: of('counter', 'messaging.client.sent.messages', '{message}', 'Messages that Kafka has.'),
  sendDuration: of('histogram', 'messaging.client.operation.duration', 's', 'From reading messages to their mark.'),
  answered: of('histogram', 'http.server.request.duration', 's', 'Requests of the HTTP door, streams included.'),
  invocations: of('counter', 'faas.invocations', '{invocation}', 'Attempts that ended.'),
  errors: of('counter', 'faas.errors', '{error}', 'Attempts that ended with anything but ok.'),
  timeouts: of('counter', 'faas.timeouts', '{timeout}', 'Attempts that came to their deadline.'),
  runDuration: of('histogram', 'faas.invoke_duration', 's', 'How long functions run, by the worker’s clock.'),
  phaseDuration: of(
    'histogram',
    'millrace.attempt.phase.duration',
    's',
    'Of attempts: waiting for a worker, on the way to it, running, until committed.',
  ),
  admitted: of('counter', 'millrace.transactions.admitted', '{transaction}', 'Records that became transactions.'),
  arrival: of('histogram', 'millrace.arrival.duration', 's', 'From the producer’s stamp to the admission.'),
  transactionDuration: of('histogram', 'millrace.transaction.duration', 's', 'From admission to the end.'),
  running: of('gauge', 'millrace.transactions.running', '{transaction}', 'Those that run.'),
  queued: of('gauge', 'millrace.transactions.queued', '{transaction}', 'Those that stand behind their key.'),
  inDoubt: of('counter', 'millrace.steps.in_doubt', '{step}', 'Steps that a person must settle.'),
  lag: of('gauge', 'millrace.lag', '{record}', 'Records of a partition that are not in the ledger.'),
  lanes: of('gauge', 'millrace.lanes.open', '{lane}', 'Partitions that are worked on.'),
  assigned: of('gauge', 'millrace.lanes.assigned', '{lane}', 'Partitions that the group has given.'),
  paused: of('gauge', 'millrace.lane.paused', '', '1 while a partition is not read.'),
  handovers: of('counter', 'millrace.lane.handovers', '{lane}', 'Lanes given to another coordinator.'),
  fenced: of('counter', 'millrace.lane.fenced', '{lane}', 'Lanes found taken over by another coordinator.'),
  commitDuration: of('histogram', 'millrace.commit.duration', 's', 'Group commits.'),
  commitEvents: of('counter', 'millrace.commit.events', '{event}', 'Events that were committed.'),
  commitRows: of('counter', 'millrace.commit.rows', '{row}', 'Rows that were committed.'),
  commitFailures: of('counter', 'millrace.commit.failures', '{commit}', 'Commits that did not go through.'),
  deadLetters: of('counter', 'millrace.dead_letters', '{record}', 'Records given up on.'),
  duplicates: of('counter', 'millrace.duplicates', '{record}', 'Copies of events.'),
  passed: of('counter', 'millrace.records.passed', '{record}', 'Records that no workflow takes.'),
  gaps: of('counter', 'millrace.gaps', '{range}', 'Ranges of offsets that were not there to be read.'),
  refusals: of('counter', 'millrace.refusals', '{event}', 'Events of an earlier life of a lane.'),
  stalled: of('gauge', 'millrace.outbox.stalled', '', '1 while messages of a lane wait.'),
  refusedMessages: of('counter', 'millrace.outbox.refused', '{message}', 'Messages passed over for good.'),
  processes: of('gauge', 'millrace.workers.processes', '{process}', 'Worker processes.'),
  busy: of('gauge', 'millrace.workers.running', '{invocation}', 'Attempts in worker processes.'),
  waiting: of('gauge', 'millrace.workers.waiting', '{invocation}', 'Attempts that wait for one.'),
  gone: of('counter', 'millrace.workers.gone', '{process}', 'Worker processes that ended.'),
  functionOutage: of('gauge', 'millrace.function.outage', '', '1 while a function cannot be run.'),
  outage: of('gauge', 'millrace.outage', '', '1 while a service is away.'),
  watchdog: of('counter', 'millrace.consumer.rebuilt', '{consumer}', 'Consumers built anew because they had stopped.'),
  spansDropped: of('counter', 'millrace.function.spans.dropped', '{span}', 'Spans of functions without room.'),
  memory: of('gauge', 'process.memory.usage', 'By', 'Resident memory of the coordinator.'),
  cpu: of('counter', 'process.cpu.time', 's', 'Processor time of the coordinator.'),
  eventLoop: of('gauge', 'nodejs.eventloop.utilization', '1', 'Share of time the coordinator’s loop is busy.'),
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof metrics
