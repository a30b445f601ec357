/**
 * Every fact the engine tells about itself, by name, with its measures. Publishers publish, subscribers (logs, metrics,
 * traces) subscribe; without a subscriber a publication costs a comparison.
 */
import { type Channel, channel } from 'node:diagnostics_channel'
import type { Durable, PublishedMessage } from './durable.ts'

export interface Facts {
  /** A lane opened at this offset, or was given up. */
  'lane.opened': { topic: string; partition: number; epoch: number; nextOffset: string; open: number }
  'lane.closed': { topic: string; partition: number; epoch: number; reason: string }
  /** Records between the lane's next offset and the end of its partition. */
  lag: { topic: string; partition: number; records: number }
  /** The partition is not read for now, and why. */
  'lane.paused': { topic: string; partition: number; reason: string }
  'lane.resumed': { topic: string; partition: number }
  /** One group commit: its ledger events and rows, and how long it took. */
  commit: { events: number; rows: number; lanes: number; durationMs: number }
  /** A commit that did not go through and what is done about it. */
  'commit.failed': { kind: string; message: string; retryInMs: number }
  /** Rows of lanes that another coordinator has taken over were filtered out. */
  fenced: { topic: string; partition: number; epoch: number }
  /** A result or record that belongs to an earlier life of the lane was refused. */
  refusal: { what: string; reason: string }
  'dead-letter': {
    topic: string
    partition: number
    offset: string
    workflow: string | null
    code: string
    reason: string
  }
  /** The topic is another one than before, of the same name: it is read from its start. */
  'topic.recreated': { topic: string; incarnation: string }
  /** What a commit has made durable, event by event. On the hot path: ask `isHeard` before it is made. */
  durable: readonly Durable[]
  /** Messages of a lane are in Kafka, and marked. */
  published: {
    topic: string
    partition: number
    messages: number
    durationMs: number
    /** The messages themselves. */
    batch: readonly PublishedMessage[]
  }
  /** Messages of a lane wait: Kafka or the ledger is away, or a topic is missing. */
  'outbox.stalled': { topic: string; partition: number; code: string; reason: string }
  'outbox.resumed': { topic: string; partition: number }
  /** A message that is passed over for good: Kafka will never take it, or it could not be made. */
  'message.refused': { topic: string; partition: number; id: string; to: string; reason: string }
  /** A copy of an event that is in the ledger already; it starts nothing. */
  duplicate: { workflow: string; transactionId: string; firstId: string; traceparent?: string | undefined }
  /** Another coordinator asks for a lane, or has got it. */
  handover: { topic: string; partition: number; epoch: number; durationMs: number; drained: boolean }
  /** A step's effect is unknown, and a person must settle it. */
  'in-doubt': { workflow: string; step: string; transactionId: string; traceparent?: string | undefined }
  /** Offsets that were not there to be read. */
  gap: { topic: string; partition: number; from: string; to: string; reason: string }
  /** The consumer had stopped though this partition had more, and was built anew; the total is of this process. */
  watchdog: { topic: string; partition: number; stalledMs: number; total: number }
  /** A record on a topic that no workflow names any more. */
  passed: { topic: string; partition: number; offset: string }
  dispatch: { function: string; invocations: number }
  /** A transaction ended. */
  ended: {
    workflow: string
    state: string
    durationMs: number
    code: string | null
    transactionId: string
    /** The event's own; without it the trace has the transaction's id. */
    traceparent?: string | undefined
  }
  /** The HTTP door has answered a request, or a stream of it is over. */
  answered: { method: string; status: number; durationMs: number }
  /** A request that brought events, and is traced, is over. Stamps are µs since 1970. */
  served: {
    method: string
    route: string
    status: number
    fromUs: number
    untilUs: number
    traceId: string
    spanId: string
    parentId: string | null
  }
  /** What an attempt's function has written. */
  'function.log': {
    workflow: string
    step: string
    attempt: number
    transactionId: string
    traceparent?: string | undefined
    text: string
  }
  /** Spans of an author's own, as a worker process tells them: JSON text, not looked at yet. */
  'function.spans': { text: string; dropped: number }
  pool: { function: string; processes: number; busy: number; waiting: number }
  /** A worker process ended: idle, killed at a deadline, crashed, replaced. */
  'worker.gone': { function: string; pid: number; reason: string; inFlight: number }
  /** A function cannot be run for now (missing, does not compile, throws while loading); its steps are held. */
  'function.outage': { function: string; code: string; message: string; waiting: number }
  'function.back': { function: string }
  /** A service is away or back: `kafka`, `postgres`, `registry`, or whatever else an event is asked about. */
  outage: { service: string; address: string; message: string }
  recovered: { service: string; address: string; downMs: number }
  /** Workflow files were read again. */
  catalogue: { workflows: number; changed: string[]; problems: number }
  /** Something the operator should read as it stands. */
  notice: { level: 'debug' | 'info' | 'warn' | 'error'; message: string; [detail: string]: unknown }
}

export type FactName = keyof Facts

/** The channels themselves: looking one up costs more than the comparison. */
const channels = new Map<FactName, Channel>()

function channelOf(name: FactName): Channel {
  let known = channels.get(name)
  if (known === undefined) {
    known = channel(`millrace:${name}`)
    channels.set(name, known)
  }
  return known
}

/** False: nobody listens, so that a fact that is dear need not be made. */
export function isHeard(name: FactName): boolean {
  return channelOf(name).hasSubscribers
}

export function publish<Name extends FactName>(name: Name, fact: Facts[Name]): void {
  const to = channelOf(name)
  if (to.hasSubscribers) to.publish(fact)
}

/** Returns the way to unsubscribe. */
export function subscribe<Name extends FactName>(name: Name, listener: (fact: Facts[Name]) => void): () => void {
  const from = channelOf(name)
  const onFact = (fact: unknown) => listener(fact as Facts[Name])
  from.subscribe(onFact)
  return () => void from.unsubscribe(onFact)
}
