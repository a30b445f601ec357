/**
 * How movements of money stand in the ledger. What parties are billed goes through one account, from which the others are
 * paid: it comes to nothing when both sides agree.
 */
import type { Posting } from 'millrace'
import { type Entry, nameOf } from './provider.ts'

export const clearing = 'clearing'

/** `pays`: the money goes from the party, else to it. */
export function postingOf(pays: boolean, entry: Entry, currency: string): Posting {
  const { amount, id, party } = entry
  const own = nameOf(entry)
  const [debit, credit] = pays ? [own, clearing] : [clearing, own]
  return { debit, credit, amount, currency, party, key: `provider:${id}` }
}
