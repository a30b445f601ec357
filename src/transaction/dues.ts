/** When what rests of a transaction is to be woken: what never is, is not among them. */
import { draftOf } from './draft.ts'
import { everyStep } from './reopen.ts'
import type { Transaction } from './transaction.ts'

export function duesOf(transaction: Transaction): number[] {
  const dues: number[] = []
  const draft = draftOf(transaction, 0)
  everyStep(draft, (step, frame) => {
    const { state, dueUs } = frame.get(step.no)
    if (state === 'asleep' && dueUs !== null) dues.push(dueUs)
  })
  return dues
}
