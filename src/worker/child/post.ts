/** What an attempt gives to `context.post`: checked at once, where its author sees who did it, and sent with the result. */
import type { Posting } from '../../function/define.ts'
import type { ChildSettings, PostedMovement } from '../wire.ts'
import { misuse } from './misuse.ts'
import { Pile } from './pile.ts'

export type Postings = Pile<PostedMovement>

export function newPostings({ postedMax, postedBytesMax }: ChildSettings): Postings {
  const limits = { most: postedMax, bytesMax: postedBytesMax }
  return new Pile({ by: 'context.post', what: 'postings', code: 'too_many_postings', ...limits })
}

/** Throws a `fail` that says what is wrong. */
export function post(postings: Postings, posting: Posting): void {
  const made = checked(posting)
  postings.add(
    made,
    made.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0),
  )
}

function checked(posting: Posting): PostedMovement {
  if (typeof posting !== 'object' || posting === null) {
    throw invalid('what it is given is no posting: { debit, credit, amount, currency }')
  }
  const { debit, credit, amount, currency, party = null, key = null } = posting
  const made = [nameOf('debit', debit), nameOf('credit', credit), digitsOf(amount), currencyOf(currency)] as const
  if (debit === credit) throw invalid(`debit and credit are both ${JSON.stringify(debit)}: name two accounts`)
  return [...made, party === null ? null : nameOf('party', party), key === null ? null : nameOf('key', key)]
}

/** Of accounts and all that is looked up like them: they are columns with indexes, and people read them. */
const namePattern = /^[^\p{Cc}\p{Cs}]{1,200}$/u

function nameOf(field: keyof Posting, name: unknown): string {
  if (typeof name === 'string' && namePattern.test(name)) return name
  throw invalid(`${field} is ${shown(name)}: expected 1 to 200 characters, none of them a control character`)
}

/** A bigint of Postgres holds no more. */
const amountMax = 2n ** 63n - 1n

function digitsOf(amount: unknown): string {
  const isWhole = typeof amount === 'bigint' || Number.isSafeInteger(amount)
  if (isWhole && BigInt(amount as bigint) > 0n && BigInt(amount as bigint) <= amountMax) return String(amount)
  throw invalid(`amount is ${shown(amount)}: expected whole minor units (cents) above 0${hintFor(amount)}`)
}

function hintFor(amount: unknown): string {
  const isNegative = (typeof amount === 'number' || typeof amount === 'bigint') && amount < 0
  return isNegative ? '; to move it the other way, change debit and credit' : ''
}

function currencyOf(currency: unknown): string {
  if (typeof currency === 'string' && /^[A-Z]{3}$/.test(currency)) return currency
  throw invalid(`currency is ${shown(currency)}: expected three capital letters, such as EUR`)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

function invalid(why: string) {
  return misuse('posting_invalid', `context.post: ${why}`)
}
