/** A step's call becomes a transaction of its own, in the lane of the one that calls. */
import { assert } from '../base/assert.ts'
import { EngineError, messageOf } from '../base/error.ts'
import { textOfEnvelope } from '../envelope/decode.ts'
import type { Sealer } from '../envelope/seal.ts'
import { textWithSealed } from '../envelope/sealed-fields.ts'
import { isWithin } from '../envelope/secret-path.ts'
import { admitChild } from '../transaction/admit.ts'
import type { Admit } from '../transaction/effect.ts'
import type { ChildEnded } from '../transaction/event.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { CallStep, Plan } from '../workflow/plan.ts'
import type { ReadingRoom } from './arrival.ts'
import { idsOf } from './catalogue.ts'
import type { TransactionRow } from './ports.ts'

/** The version that is loaded now counts. Of a workflow that is not here, what its caller hears. */
export function called(
  parent: Transaction,
  call: Admit,
  { catalogue, traces, sealer }: Pick<ReadingRoom, 'catalogue' | 'traces' | 'sealer'>,
): { readonly child: Transaction; readonly row: TransactionRow } | ChildEnded {
  const plan = catalogue.byName.get(call.workflow)
  if (plan === undefined) return refused(call, 'unknown_workflow', `there is no workflow ${call.workflow} here`)
  const open = openTo(parent, call, plan)
  if (open !== null) return refused(call, 'not_classified', `${call.workflow} does not keep ${open} secret`)
  const child = admitChild(plan, parent, call, traces.ofCall(parent) ?? {})
  try {
    return { child, row: rowOf(child, idsOf(catalogue, plan).versionId, textOf(child, call.data, sealer)) }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return refused(call, error.code, messageOf(error))
  }
}

/** A secret field that it is given, and would keep in plain: its file may be another one than when both were loaded. */
function openTo({ plan }: Transaction, { parent }: Admit, { secrets }: Plan): string | null {
  const given = (plan.steps[parent.step] as CallStep).with.secretsAt
  return given.find((path) => !secrets.some((own) => isWithin(path, own)))?.text ?? null
}

function textOf({ id, plan, envelope }: Transaction, data: string, sealer: Sealer | null): string {
  if (plan.secrets.length === 0) return textOfEnvelope(envelope, data)
  assert(sealer, 'a workflow with secret fields is not loaded without a seal key')
  return textWithSealed(envelope, plan.secrets, sealer, id)
}

function refused({ childId, parent: { step, item }, atUs }: Admit, code: string, message: string): ChildEnded {
  const error = { code, message }
  return {
    type: 'ChildEnded',
    atUs,
    step,
    item,
    childId,
    end: { state: 'failed', error, output: null, isOwing: false },
  }
}

function rowOf(child: Transaction, versionId: number, envelopeText: string): TransactionRow {
  const { id, position, envelope, admittedUs, parent } = child
  return {
    id,
    versionId,
    offset: position.offset,
    key: null,
    eventId: envelope.id,
    envelope: envelopeText,
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
