/** Postings: each of an attempt that ended well, and all that it asked for; what is undone comes to nothing for everybody. */
import type { PostingRow } from '../../../src/transaction/effect.ts'
import type { Written } from '../ledger/commit.ts'
import { placeOf, type Tables } from '../ledger/tables.ts'
import { holds } from './verdict.ts'

const together = 'money moves with its step'
const nothing = 'what is undone comes to nothing'

export class Money {
  readonly #tables: Tables

  constructor(tables: Tables) {
    this.#tables = tables
  }

  written({ postings, attempts, endings }: Written): void {
    for (const row of postings) {
      const isOwn = (each: { step: number; item: string; attempt: number }) =>
        placeOf(each) === placeOf(row) && each.attempt === row.attempt
      const own = attempts.find((each) => each.transactionId === row.transactionId && isOwn(each))
      holds(
        own?.stepState === 'ok',
        together,
        () => `${nameOf(row)} was posted by an attempt that is ${own?.stepState}`,
      )
    }
    for (const { transactionId, step, item, attempt, stepState, output } of attempts) {
      const asked = stepState === 'ok' && output !== null ? paidIn(output) : 0
      if (asked === 0 || !this.#isPaying(transactionId, step)) continue
      const posted = postings.filter(
        (row) =>
          row.transactionId === transactionId && placeOf(row) === placeOf({ step, item }) && row.attempt === attempt,
      )
      holds(
        posted.length >= asked,
        together,
        () => `${transactionId}/${step}[${item}] asked for ${asked} postings, not ${posted.length}`,
      )
    }
    for (const { transactionId: id, state } of endings) {
      if (state === 'compensated' || state === 'cancelled') this.#judgeBalance(id)
    }
  }

  #isPaying(id: string, no: number): boolean {
    const row = this.#tables.transactions.get(id)
    const step = row && this.#tables.planOf(row).steps[no]
    return step?.kind === 'invoke' && step.uses.startsWith('pay/')
  }

  /** Steps without a compensation keep what they moved. */
  #judgeBalance(id: string): void {
    const row = this.#tables.transactions.get(id)
    if (!row) return
    const { steps } = this.#tables.planOf(row)
    const balances = new Map<string, bigint>()
    for (const { step: no, debit, credit, amount } of this.#tables.postings.get(id) ?? []) {
      const step = steps[no]
      if (step?.kind === 'invoke' && step.compensate === null) continue
      balances.set(debit, (balances.get(debit) ?? 0n) - amount)
      balances.set(credit, (balances.get(credit) ?? 0n) + amount)
    }
    const odd = [...balances].find(([, balance]) => balance !== 0n)
    holds(!odd, nothing, () => `${id} was undone, and ${odd?.[0]} has ${odd?.[1]} of it`)
  }
}

function nameOf({ transactionId, step, item, attempt, n }: PostingRow): string {
  return `${transactionId}/${step}[${item}]#${attempt}.${n}`
}

function paidIn(output: string): number {
  const { paid = [] } = (JSON.parse(output) ?? {}) as { paid?: readonly unknown[] }
  return paid.length
}
