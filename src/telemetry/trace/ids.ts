/**
 * Ids of traces and spans, made of what the ledger knows for good. So nothing is kept of a trace: a coordinator that takes
 * over continues the same one, and what was told twice has one id.
 */
import { hash } from 'node:crypto'
import { parseTraceparent } from './context.ts'

/** Of a transaction, what its trace is made of. */
export interface Traced {
  /** UUID. */
  readonly id: string
  readonly envelope: { readonly meta: Readonly<Record<string, string>> }
}

/** That of the event, else the transaction's own id, so that either is found by the other. */
export function traceIdOf({ id, envelope }: Traced): string {
  return traceIdFrom(id, envelope.meta.traceparent)
}

export function traceIdFrom(transactionId: string, traceparent: string | undefined): string {
  return parseTraceparent(traceparent)?.traceId ?? transactionId.replaceAll('-', '')
}

/** The transaction from its record to its end. */
export function processSpanId(transactionId: string, round = 1): string {
  return spanIdOf(round === 1 ? `${transactionId}/process` : `${transactionId}/process/${round}`)
}

/** Its record, from its fetch until it was admitted. */
export function receiveSpanId(transactionId: string): string {
  return spanIdOf(`${transactionId}/receive`)
}

export function attemptSpanId(transactionId: string, step: number, item: string, attempt: number): string {
  return spanIdOf(`${transactionId}/${step}/${item}/${attempt}`)
}

/** A message, from the commit that caused it until Kafka has it. */
export function sendSpanId(messageId: string): string {
  return spanIdOf(`message/${messageId}`)
}

function spanIdOf(seed: string): string {
  return hash('sha256', seed, 'hex').slice(0, 16)
}
