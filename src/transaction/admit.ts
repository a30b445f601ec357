/** Makes a transaction of an envelope: the one event that has no transaction yet. */
import type { Envelope } from '../envelope/envelope.ts'
import { parseJson } from '../envelope/json.ts'
import { concealed } from '../envelope/secrets.ts'
import { keyText } from '../workflow/expression/compile.ts'
import type { Plan } from '../workflow/plan.ts'
import type { Admit } from './effect.ts'
import { type Origin, transactionId } from './ids.ts'
import { noSteps } from './steps.ts'
import type { Transaction } from './transaction.ts'

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
    key: plan.order === 'none' ? null : orderKey(plan, envelope),
    envelope,
    admittedUs,
    notAfterUs: notAfterUs(plan, admittedUs),
    state: 'queued',
    failure: null,
    round: 1,
    parent: null,
    given: null,
    isDelayed: false,
    at: 0,
    owed: null,
    settled: 0,
    steps: noSteps(plan.steps.length),
  }
}

/**
 * Of a step's call: its event is the step's `with`, and from whom that is, its order and its place are its parent's. `meta`: the
 * trace it is of.
 */
export function admitChild(plan: Plan, parent: Transaction, call: Admit, meta: Envelope['meta'] = {}): Transaction {
  const { childId: id, parent: ref, data, atUs } = call
  const envelope = {
    id,
    type: null,
    source: null,
    time: parent.envelope.time,
    key: null,
    meta,
    auth: parent.envelope.auth,
    data: parseJson(data),
  }
  return {
    id,
    plan,
    position: parent.position,
    key: null,
    envelope: concealed(envelope, plan.secrets),
    admittedUs: atUs,
    notAfterUs: notAfterUs(plan, atUs),
    state: 'queued',
    failure: null,
    round: 1,
    parent: ref,
    given: null,
    isDelayed: false,
    at: 0,
    owed: null,
    settled: 0,
    steps: noSteps(plan.steps.length),
  }
}

function orderKey(plan: Plan, envelope: Envelope): string | null {
  return plan.key === null ? envelope.key : keyText(plan.key.evaluate({ event: envelope, steps: {} }))
}

export function notAfterUs(plan: Plan, admittedUs: number): number | null {
  return plan.timeoutMs === null ? null : admittedUs + plan.timeoutMs * 1000
}
