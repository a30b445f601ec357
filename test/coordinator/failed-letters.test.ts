/** Whose record becomes a dead letter. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failedLettersOf } from '../../src/coordinator/failed-letters.ts'
import type { EndingRow } from '../../src/transaction/effect.ts'
import type { FinalState, Transaction } from '../../src/transaction/transaction.ts'
import { planFromSource } from '../../src/workflow/parse.ts'

const plan = planFromSource(
  'name: w\non: { kafka: t }\ndeadLetter: { failed: true }\nsteps: [{ id: a, uses: f }]',
  'w.yaml',
)
const id = '01a20fe9-e5fc-8d04-aef2-6c097334a2a7'
const position = { topic: 't', partition: 0, offset: 7 }
const transaction = { id, plan, position, parent: null, round: 1 } as Transaction

const letters: Record<FinalState, number> = { completed: 0, failed: 1, compensated: 1, cancelled: 0 }
for (const [state, count] of Object.entries(letters) as [FinalState, number][]) {
  test(`a transaction that is ${state} leaves ${count === 0 ? 'no dead letter' : 'its record as a dead letter'}`, () => {
    const ending: EndingRow = {
      transactionId: id,
      state,
      errorCode: 'declined',
      errorMessage: 'no',
      endedUs: 1,
      recordKept: true,
    }
    assert.equal(failedLettersOf(transaction, [ending]).rows.length, count)
  })
}
