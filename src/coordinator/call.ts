/** A step's call becomes a transaction of its own, in the lane of the one that calls. */
import { textOfEnvelope } from '../envelope/decode.ts'
import type { Traces } from '../telemetry/trace/traces.ts'
import { admitChild } from '../transaction/admit.ts'
import type { Admit } from '../transaction/effect.ts'
import type { ChildEnded } from '../transaction/event.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { type Catalogue, idsOf } from './catalogue.ts'
import type { TransactionRow } from './ports.ts'

/** The version that is loaded now counts. Of a workflow that is not here, what its caller hears. */
export function called(
  parent: Transaction,
  call: Admit,
  catalogue: Catalogue,
  traces: Traces,
): { readonly child: Transaction; readonly row: TransactionRow } | ChildEnded {
  const plan = catalogue.byName.get(call.workflow)
  if (plan === undefined) return unknown(call)
  const child = admitChild(plan, parent, call, traces.ofCall(parent) ?? {})
  return { child, row: rowOf(child, idsOf(catalogue, plan).versionId, call.data) }
}

function unknown({ workflow, childId, parent: { step, item }, atUs }: Admit): ChildEnded {
  const error = { code: 'unknown_workflow', message: `there is no workflow ${workflow} here` }
  return {
    type: 'ChildEnded',
    atUs,
    step,
    item,
    childId,
    end: { state: 'failed', error, output: null, isOwing: false },
  }
}

function rowOf(child: Transaction, versionId: number, data: string): TransactionRow {
  const { id, position, envelope, admittedUs, parent } = child
  return {
    id,
    versionId,
    offset: position.offset,
    key: null,
    eventId: envelope.id,
    envelope: textOfEnvelope(envelope, data),
    auth: null,
    producedUs: null,
    fetchedUs: admittedUs,
    admittedUs,
    dedup: null,
    raw: null,
    redrivenFrom: null,
    parent,
  }
}
