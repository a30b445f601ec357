/** What the ledger would hold of one transaction: rows added, commit by commit, under the keys and checks that it has. */
import assert from 'node:assert/strict'
import type {
  AttemptRow,
  BegunRow,
  Effect,
  EndingRow,
  PostingRow,
  RestRow,
  TurnRow,
} from '../../src/transaction/effect.ts'
import type { Signal } from '../../src/transaction/event.ts'
import type { AttemptRecord, ChildRecord, Records, RoundRecord } from '../../src/transaction/restore.ts'
import type { ChildEnd, StepRef } from '../../src/transaction/transaction.ts'

export class LedgerRows {
  readonly attempts = new Map<string, AttemptRow>()
  readonly begun = new Map<string, BegunRow>()
  readonly rests = new Map<string, RestRow>()
  /** Events that were claimed for a rest. */
  readonly claimed = new Map<string, Signal>()
  readonly children: (StepRef & { readonly id: string; ended: ChildEnd | null })[] = []
  readonly postings = new Map<string, PostingRow>()
  readonly turns = new Map<number, TurnRow>()
  readonly rounds: RoundRecord[] = []
  ending: EndingRow | null = null

  /** All of one commit. */
  add(effects: readonly Effect[]): void {
    for (const effect of effects) this.#add(effect)
  }

  #add(effect: Effect): void {
    switch (effect.type) {
      case 'RecordAttempt':
        this.#attempt(effect.row)
        break
      case 'RecordBegun':
        insert(this.begun, attemptName(effect.row), effect.row)
        break
      case 'RecordRest': {
        const name = nameOf(effect.row)
        this.rests.set(name, { ...effect.row, wait: effect.row.wait ?? this.rests.get(name)?.wait ?? null })
        break
      }
      case 'RecordRestOver':
        assert.ok(this.rests.has(nameOf(effect.row)), 'there is such a rest')
        this.#over(effect.row)
        break
      case 'RecordPosting':
        insert(this.postings, `${attemptName(effect.row)}.${effect.row.n}`, effect.row)
        break
      case 'RecordTurn':
        insert(this.turns, effect.row.round, effect.row)
        break
      case 'RecordReopened':
        assert.ok(this.ending, 'only what has ended is opened again')
        this.ending = null
        this.rounds.push(effect.row)
        break
      case 'RecordEnding':
        assert.equal(this.ending, null, 'it ends once')
        this.ending = effect.row
        break
      case 'Admit': {
        const { step, item } = effect.parent
        this.children.push({ step, item, id: effect.childId, ended: null })
      }
    }
  }

  #attempt(row: AttemptRow): void {
    assert.equal(row.attempt === 0, row.outcome === 'skipped', 'attempt 0 is of what was skipped')
    assert.equal(row.outcome === 'ok', row.stepState === 'ok', 'ok settles its step')
    insert(this.attempts, attemptName(row), row)
    if (row.stepState !== null) this.#over(row)
  }

  #over(ref: StepRef): void {
    this.rests.delete(nameOf(ref))
    this.claimed.delete(nameOf(ref))
  }

  /** As they are read back. */
  records(): Records {
    const round = this.rounds.length + 1
    const turn = this.turns.get(round)
    const { ending } = this
    const ended = ending && ending.errorCode !== null ? ending : null
    return {
      attempts: [...this.attempts.values()].map(attemptRecord).sort(byPlace),
      begun: [...this.begun].filter(([name]) => !this.attempts.has(name)).map(([, row]) => row),
      rests: [...this.rests].map(([name, row]) => ({ ...row, signal: this.claimed.get(name) ?? null })),
      children: this.children.map((child): ChildRecord => ({ ...child })),
      postings: [...this.postings.values()],
      rounds: this.rounds,
      failure: turn
        ? { code: turn.code, message: turn.message, isCancel: turn.isCancel }
        : ended && {
            code: ended.errorCode as string,
            message: ended.errorMessage ?? '',
            isCancel: ended.state === 'cancelled',
          },
      ended: ending?.state ?? null,
    }
  }
}

function insert<Key, Row>(rows: Map<Key, Row>, key: Key, row: Row): void {
  assert.ok(
    !rows.has(key),
    `a second row ${key}: ${JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))}`,
  )
  rows.set(key, row)
}

function attemptRecord(row: AttemptRow): AttemptRecord {
  const { step, item, attempt, outcome, stepState, output, nextUs, eligibleUs, seq } = row
  const [errorCode, errorMessage] = stepState === 'failed' ? [row.errorCode, row.errorMessage] : [null, null]
  const read = { step, item, attempt, outcome, stepState, output, nextUs, eligibleUs, seq, errorCode, errorMessage }
  return { ...read, unknown: row.unknown === true, round: row.round ?? 1 }
}

/** As text: `10` comes before `2`. */
function byPlace(a: AttemptRecord, b: AttemptRecord): number {
  return a.step - b.step || (a.item < b.item ? -1 : a.item > b.item ? 1 : 0) || a.attempt - b.attempt
}

function nameOf({ step, item }: StepRef): string {
  return `${step}[${item}]`
}

function attemptName(ref: StepRef & { readonly attempt: number }): string {
  return `${nameOf(ref)}@${ref.attempt}`
}
