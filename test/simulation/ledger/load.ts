/** Reads transactions back whole, open ones and ended ones: what src/ledger/load.ts and load-flow.ts say in SQL. */
import type { OpenTransaction } from '../../../src/coordinator/ports.ts'
import type { AttemptRow } from '../../../src/transaction/effect.ts'
import type { AttemptRecord, ChildRecord, PostingRecord, RestRecord } from '../../../src/transaction/restore.ts'
import type { Failure } from '../../../src/transaction/transaction.ts'
import { lookName } from './rests.ts'
import type { Tables } from './tables.ts'

export function load(tables: Tables, ids: readonly string[]): OpenTransaction[] {
  return ids.flatMap((id) => {
    const row = tables.transactions.get(id)
    if (!row) return []
    const { offset, key, eventId, envelope, auth, admittedUs, parent } = row
    return [
      {
        ...{ id, version: tables.planOf(row).version, offset, key, eventId, envelope, auth, admittedUs, parent },
        attempts: tables.attemptsOf(id).map(attemptOf),
        begun: tables.unknownOf(id).map(({ step, item, attempt }) => ({ step, item, attempt })),
        rests: restsOf(tables, id),
        children: childrenOf(tables, id),
        postings: postingsOf(tables, id),
        rounds: (tables.rounds.get(id) ?? []).map(({ atUs, from, input }) => ({ atUs, from, input })),
        failure: failureOf(tables, id),
        ended: tables.endings.get(id)?.state ?? null,
      },
    ]
  })
}

function attemptOf(row: AttemptRow): AttemptRecord {
  const { step, item, attempt, outcome, stepState, output, nextUs, eligibleUs, seq } = row
  const isFailed = stepState === 'failed'
  return {
    ...{ step, item, attempt, outcome, stepState, output, nextUs, eligibleUs, seq },
    errorCode: isFailed ? row.errorCode : null,
    errorMessage: isFailed ? row.errorMessage : null,
    unknown: row.unknown === true,
    round: row.round ?? 1,
  }
}

/** With the event that was claimed for it, and not taken yet. */
function restsOf(tables: Tables, id: string): RestRecord[] {
  return tables
    .restsOf(id)
    .map((rest) => {
      const { step, item, dueUs, sinceUs, isAlone, wait } = rest
      const claimed = [...tables.taken].find(([, all]) =>
        all.some((each) => !each.isTaken && lookName(each) === lookName(rest)),
      )
      const signal = wait && claimed ? tables.signals.get(claimed[0]) : undefined
      return { step, item, dueUs, sinceUs, isAlone, signal: signal ? { id: signal.id, text: signal.text } : null }
    })
    .sort((a, b) => a.step - b.step || (a.item < b.item ? -1 : 1))
}

function childrenOf(tables: Tables, id: string): ChildRecord[] {
  const rows = [...(tables.children.get(id) ?? [])]
  rows.sort((a, b) => a.admittedUs - b.admittedUs || (a.id < b.id ? -1 : 1))
  return rows.map((row) => {
    const { step, item } = row.parent as NonNullable<typeof row.parent>
    const ending = tables.endings.get(row.id)
    const error = ending?.errorCode ? { code: ending.errorCode, message: ending.errorMessage ?? '' } : null
    const isOwing = ending?.state === 'failed' && owes(tables, row.id)
    const ended = ending ? { state: ending.state, error, output: outputOf(tables, id, row.id), isOwing } : null
    return { id: row.id, step, item, ended }
  })
}

/** A compensation of it has failed for good, or what it called could not be undone. */
function owes(tables: Tables, id: string): boolean {
  const row = tables.transactions.get(id)
  if (!row) return false
  const { steps } = tables.planOf(row)
  const all = tables.attemptsOf(id)
  return all.some((each) => {
    const { step, item, attempt, stepState, unknown } = each
    const isHere = (other: { step: number; item: string }) => other.step === step && other.item === item
    switch (steps[step]?.kind) {
      case 'undo':
        return stepState === 'failed' && !all.some((later) => isHere(later) && later.attempt > attempt)
      case 'call':
        return (
          (stepState === 'ok' || (stepState === 'failed' && unknown)) && childrenAt(tables, id, each).includes('failed')
        )
      default:
        return false
    }
  })
}

function childrenAt(tables: Tables, id: string, { step, item }: { step: number; item: string }): unknown[] {
  const own = (tables.children.get(id) ?? []).filter(({ parent }) => parent?.step === step && parent.item === item)
  return own.map((row) => tables.endings.get(row.id)?.state)
}

/** Of one whose end its parent has not recorded: what its last step gave. */
function outputOf(tables: Tables, parentId: string, id: string): string | null {
  const row = tables.transactions.get(id)
  const { step, item } = row?.parent ?? { step: -1, item: '' }
  const isOwn = (each: AttemptRow) => each.step === step && each.item === item && each.stepState === 'ok'
  if (!row || tables.endings.get(id)?.state !== 'completed' || tables.attemptsOf(parentId).some(isOwn)) return null
  const last = tables.planOf(row).body.at(-1)?.no
  const rows = tables.attemptsOf(id)
  return rows.findLast((each) => each.step === last && each.item === '' && each.stepState === 'ok')?.output ?? null
}

function postingsOf(tables: Tables, id: string): PostingRecord[] {
  const rows = [...(tables.postings.get(id) ?? [])]
  rows.sort(
    (a, b) => a.step - b.step || (a.item < b.item ? -1 : a.item > b.item ? 1 : a.attempt - b.attempt || a.n - b.n),
  )
  return rows.map(({ step, item, attempt, n, debit, credit, amount, currency, party }) => ({
    ...{ step, item, attempt, n, debit, credit, amount, currency, party },
  }))
}

/** As it was when it was decided; of one that ended at once, as it ended. */
function failureOf(tables: Tables, id: string): Failure | null {
  const turn = tables.turns.get(id)?.findLast(({ round }) => round >= tables.roundOf(id))
  if (turn) return { code: turn.code, message: turn.message, isCancel: turn.isCancel }
  const ending = tables.endings.get(id)
  if (!ending?.errorCode) return null
  return { code: ending.errorCode, message: ending.errorMessage ?? '', isCancel: ending.state === 'cancelled' }
}
