/** Makes a transaction of an envelope: the one event that has no transaction yet. */
import type { Envelope } from '../envelope/envelope.ts'
import { keyText } from '../workflow/expression/compile.ts'
import type { Plan } from '../workflow/plan.ts'
import { type Origin, transactionId } from './ids.ts'
import { type Transaction, untouched } from './transaction.ts'

/** Where the record stood and when; `producedUs` is the producer's claim. */
export interface Arrival {
  readonly origin: Omit<Origin, 'workflow'>
  readonly producedUs: number | null
  readonly admittedUs: number
}

/** Throws `EngineError` when the workflow's `key` cannot be made of this envelope: a dead letter for this workflow only. */
export function admit(plan: Plan, envelope: Envelope, arrival: Arrival): Transaction {
  const { origin, producedUs, admittedUs } = arrival
  return {
    id: transactionId({ ...origin, workflow: plan.name }, producedUs, admittedUs),
    plan,
    position: { topic: origin.topic, partition: origin.partition, offset: origin.offset },
    key: plan.key === null ? envelope.key : keyText(plan.key.evaluate({ event: envelope, steps: {} })),
    envelope,
    admittedUs,
    notAfterUs: notAfterUs(plan, admittedUs),
    state: 'queued',
    steps: plan.steps.map(() => untouched),
  }
}

export function notAfterUs(plan: Plan, admittedUs: number): number | null {
  return plan.timeoutMs === null ? null : admittedUs + plan.timeoutMs * 1000
}
