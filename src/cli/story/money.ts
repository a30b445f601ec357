/** Movements of money for people. */
import type { PostingRead } from '../../ledger/read/parts.ts'
import { oneLine } from '../table.ts'

/** `12.50 EUR  debit viewer:1, credit revenue` */
export function postingText({ debit, credit, amount, currency, party, reverses_attempt }: PostingRead): string {
  const of = party === null ? '' : ` (${oneLine(party)})`
  const reversal = reverses_attempt === null ? '' : ', a reversal'
  return `${amountText(amount, currency)}  debit ${oneLine(debit)}, credit ${oneLine(credit)}${of}${reversal}`
}

/** `amount`: digits of minor units, of which ISO 4217 says how many make one. */
export function amountText(amount: string, currency: string): string {
  const digits = minorDigits(currency)
  if (digits === 0) return `${amount} ${currency}`
  const padded = amount.padStart(digits + 1, '0')
  return `${padded.slice(0, -digits)}.${padded.slice(-digits)} ${currency}`
}

function minorDigits(currency: string): number {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency })
  return format.resolvedOptions().maximumFractionDigits ?? 2
}
