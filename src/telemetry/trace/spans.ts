/**
 * What was made durable, as spans: `receive` (a record, from its fetch on) > `process` (its transaction) > what its steps did.
 * Ids are made of the ledger's (ids.ts), so each is told when it is over, by whoever is there then.
 */
import { type Attributes, SpanKind } from '@opentelemetry/api'
import type { Facts } from '../channels.ts'
import type {
  Admitted,
  Durable,
  DurableAttempt,
  DurableTransaction,
  Ending,
  Letter,
  PublishedMessage,
} from '../durable.ts'
import { attributes as name } from '../names.ts'
import { parseTraceparent } from './context.ts'
import { attemptSpanId, processSpanId, receiveSpanId, sendSpanId } from './ids.ts'
import { contextOf, type Told } from './span.ts'
import type { OwnTraces, Trace } from './traces.ts'

/** The sampled ones of an entry. */
export function spansOf(durable: Durable, traces: OwnTraces): readonly Told[] {
  if (durable.letters.length === 0 && !durable.transactions.some((each) => traces.of(each).isSampled)) return none
  const spans: Told[] = []
  for (const transaction of durable.transactions) {
    const trace = traces.of(transaction)
    if (!trace.isSampled) continue
    const { id } = transaction
    for (const row of durable.admitted) if (row.id === id) spans.push(received(row, transaction, trace, durable))
    for (const row of durable.attempts)
      if (row.transactionId === id) spans.push(...attempted(row, transaction, trace, durable))
    for (const row of durable.endings) if (row.transactionId === id) spans.push(processed(row, transaction, trace))
  }
  for (const letter of durable.letters) spans.push(...givenUp(letter, durable))
  return spans
}

/** Mostly. */
const none: readonly Told[] = []

function received(row: Admitted, transaction: DurableTransaction, trace: Trace, durable: Durable): Told {
  const { producedUs, fetchedUs, redrivenFrom } = row
  return {
    traceId: trace.traceId,
    spanId: receiveSpanId(row.id),
    parentId: trace.parentId,
    name: `receive ${durable.topic}`,
    kind: SpanKind.CONSUMER,
    startUs: fetchedUs,
    endUs: durable.returnedUs,
    attributes: {
      ...placeOf(transaction, 'receive'),
      ...(producedUs !== null && { [name.producedMs]: ms(producedUs, fetchedUs) }),
      ...(redrivenFrom !== null && { [name.redrivenFrom]: redrivenFrom }),
    },
  }
}

/** From the admission on: of one that rests for days nobody keeps when it was fetched. */
function processed(row: Ending, transaction: DurableTransaction, trace: Trace): Told {
  const { id, admittedUs, parent, position, round } = transaction
  const { traceId, parentId } = trace
  const ownParent = parent === null ? receiveSpanId(id) : parentId
  return {
    traceId,
    spanId: processSpanId(id, round),
    parentId: round === 1 ? ownParent : processSpanId(id),
    name: parent === null ? `process ${position.topic}` : `call ${transaction.plan.name}`,
    kind: parent === null ? SpanKind.CONSUMER : SpanKind.INTERNAL,
    startUs: admittedUs,
    endUs: row.endedUs,
    attributes: {
      ...placeOf(transaction, 'process'),
      ...(parent !== null && { [name.parent]: parent.id }),
      [name.state]: row.state,
      ...(round > 1 && { [name.round]: round }),
      ...(row.errorCode !== null && { [name.errorType]: row.errorCode }),
    },
    links: parentId === null || parent !== null ? [] : [{ context: contextOf(traceId, parentId) }],
    error: row.state === 'completed' ? null : (row.errorMessage ?? row.errorCode ?? row.state),
  }
}

/** What ran, slept or waited. Blocks have no time of their own: what they hold tells where it stands. */
function attempted(row: DurableAttempt, transaction: DurableTransaction, trace: Trace, durable: Durable): Told[] {
  const step = transaction.plan.steps[row.step]
  const startUs = row.eligibleUs ?? row.dispatchedUs
  if (!step || startUs === null || row.resolvedBy !== null) return []
  const { id, kind, uses } = step
  return [
    {
      traceId: trace.traceId,
      spanId: attemptSpanId(transaction.id, row.step, row.item, row.attempt),
      parentId: processSpanId(transaction.id),
      name: uses === undefined ? `${kind} ${id}` : `${kind} ${uses}`,
      kind: uses === undefined ? SpanKind.INTERNAL : SpanKind.CLIENT,
      startUs,
      endUs: row.receivedUs ?? durable.returnedUs,
      attributes: {
        ...identityOf(transaction),
        [name.step]: id,
        ...(row.item !== '' && { [name.item]: row.item }),
        ...(uses !== undefined && callOf(row, transaction, uses, durable.returnedUs)),
        [name.outcome]: row.outcome,
        ...(row.errorCode !== null && { [name.errorType]: row.errorCode }),
      },
      error:
        row.outcome === 'ok' || row.outcome === 'skipped' ? null : (row.errorMessage ?? row.errorCode ?? row.outcome),
    },
  ]
}

/** The latency path, too. */
function callOf(row: DurableAttempt, { id }: DurableTransaction, uses: string, returnedUs: number): Attributes {
  const { eligibleUs, dispatchedUs, startedUs, finishedUs } = row
  return {
    [name.function]: uses,
    [name.provider]: 'millrace',
    [name.invocation]: `${id}/${row.step}/${row.item}/${row.attempt}`,
    [name.attempt]: row.attempt,
    ...between(name.waitMs, eligibleUs, dispatchedUs),
    ...between(name.dispatchMs, dispatchedUs, startedUs),
    ...between(name.runMs, startedUs, finishedUs),
    ...between(name.commitMs, finishedUs, returnedUs),
  }
}

/** A record that became none, where its producer traces it. */
function givenUp(
  { id, offset, headers, code, reason, receivedUs }: Letter,
  { topic, partition, returnedUs }: Durable,
): Told[] {
  const parent = parseTraceparent(headerOf(headers, 'traceparent'))
  if (parent === null || !parent.isSampled) return []
  return [
    {
      traceId: parent.traceId,
      spanId: receiveSpanId(id),
      parentId: parent.spanId,
      name: `receive ${topic}`,
      kind: SpanKind.CONSUMER,
      startUs: receivedUs,
      endUs: returnedUs,
      attributes: {
        ...messaging(topic, 'receive'),
        [name.partition]: String(partition),
        [name.offset]: offset,
        [name.deadLetter]: id,
        [name.errorType]: code,
      },
      error: reason,
    },
  ]
}

/** A message that carries a span of ours: it is told when Kafka has it. Not what others, or a dead letter, brought along. */
export function sentSpan(
  { id, transactionId, topic, headers, letter, error }: PublishedMessage,
  fromUs: number,
  untilUs: number,
): Told | null {
  if (letter !== null || error !== null || transactionId === null) return null
  const parent = parseTraceparent(headerOf(headers, 'traceparent'))
  if (parent === null || !parent.isSampled || parent.spanId !== sendSpanId(id)) return null
  return {
    traceId: parent.traceId,
    spanId: parent.spanId,
    parentId: processSpanId(transactionId),
    name: `send ${topic}`,
    kind: SpanKind.PRODUCER,
    startUs: fromUs,
    endUs: untilUs,
    attributes: { ...messaging(topic, 'send'), [name.messageId]: id, [name.transaction]: transactionId },
  }
}

/** A request to the HTTP door. */
export function servedSpan({ method, route, status, fromUs, untilUs, ...ids }: Facts['served']): Told {
  return {
    ...ids,
    name: `${method} ${route}`,
    kind: SpanKind.SERVER,
    startUs: fromUs,
    endUs: untilUs,
    attributes: {
      [name.method]: method,
      [name.route]: route,
      [name.status]: status,
      ...(status >= 500 && { [name.errorType]: String(status) }),
    },
    error: status >= 500 ? `answered with ${status}` : null,
  }
}

/** Most messages have none: their text is not parsed. */
function headerOf(headers: string, header: string): string | undefined {
  if (!headers.includes(`"${header}"`)) return undefined
  const value = (JSON.parse(headers) as Readonly<Record<string, unknown>>)[header]
  return typeof value === 'string' ? value : undefined
}

function placeOf(transaction: DurableTransaction, operation: 'receive' | 'process'): Attributes {
  const { topic, partition, offset } = transaction.position
  return {
    ...messaging(topic, operation),
    [name.partition]: String(partition),
    [name.offset]: offset,
    ...identityOf(transaction),
  }
}

function messaging(topic: string, operation: 'receive' | 'process' | 'send'): Attributes {
  return {
    [name.system]: 'kafka',
    [name.operation]: operation,
    [name.operationType]: operation,
    [name.destination]: topic,
  }
}

function identityOf({ id, plan }: DurableTransaction): Attributes {
  return { [name.workflow]: plan.name, [name.transaction]: id }
}

function between(attribute: string, fromUs: number | null, untilUs: number | null): Attributes {
  return fromUs === null || untilUs === null ? {} : { [attribute]: ms(fromUs, untilUs) }
}

/** Clocks of others may be ahead. */
function ms(fromUs: number, untilUs: number): number {
  return Math.max(0, untilUs - fromUs) / 1000
}
