/** Each way in which ledger and book can differ is found. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, type LedgerRow } from '../../demo/compare.ts'
import type { Book } from '../../demo/provider/book.ts'
import { type Entry, type Kind, makeEntry } from '../../demo/provider/entry.ts'
import type { Moved } from '../../workflows/video/provider.ts'

test('agrees when both sides say the same', () => {
  const comparison = compare([completed('a'), failed('b')], bookOf([...movementsOf('a'), declined('b')]))
  assert.deepEqual(comparison, { agrees: true, differences: [], movements: 2 })
})

test('tells what the book lacks and what the ledger lacks', () => {
  assert.deepEqual(kindsOf([completed('a')], movementsOf('a').slice(0, 1)), ['not_in_book'])
  assert.deepEqual(kindsOf([failed('a')], movementsOf('a').slice(0, 1)), ['not_in_ledger'])
  assert.deepEqual(kindsOf([], movementsOf('a').slice(0, 1)), ['unknown_transaction'])
  assert.deepEqual(kindsOf([completed('a')], [declined('a'), ...movementsOf('a').slice(1)]), ['not_in_book'])
})

test('tells amounts, parties and transactions that differ', () => {
  const [charge, payout] = movementsOf('a') as [Entry, Entry]
  for (const other of [{ amount: 101 }, { currency: 'USD' }, { account: 'other' }, { reference: 'b' }]) {
    assert.deepEqual(kindsOf([completed('a'), failed('b')], [{ ...charge, ...other }, payout]), ['differs'])
  }
})

test('tells what happened twice', () => {
  const movements = movementsOf('a')
  const [charge] = movements as [Entry]
  assert.deepEqual(kindsOf([completed('a')], movements, [charge]), ['key_twice_in_book'])
  const otherKey = { ...charge, key: 'another' }
  assert.deepEqual(kindsOf([completed('a')], [...movements, otherKey]), ['doubled', 'not_in_ledger'])
  const copied = { ...completed('b'), bill: completed('a').bill, pay: completed('a').pay }
  assert.ok(kindsOf([completed('a'), copied], movements).includes('key_twice_in_ledger'))
})

test('payouts of a transaction that failed while paying are its own', () => {
  const row = { ...completed('a'), state: 'failed', pay: null }
  assert.deepEqual(kindsOf([row], movementsOf('a')), [])
})

test('tells a transaction whose own sums are wrong', () => {
  const { bill, pay } = completed('a')
  const movements = movementsOf('a')
  assert.deepEqual(kindsOf([{ ...completed('a'), bill: { ...bill!, total: 99 } }], movements), [
    'unbalanced',
    'unbalanced',
  ])
  assert.deepEqual(kindsOf([{ ...completed('a'), pay: null }], movements), ['incomplete', 'not_in_ledger'])
  assert.deepEqual(kindsOf([{ ...completed('a'), pay: { ...pay!, currency: 'USD' } }], movements), [
    'unbalanced',
    'differs',
  ])
})

function kindsOf(rows: LedgerRow[], entries: Entry[], duplicates: Entry[] = []): string[] {
  return compare(rows, { ...bookOf(entries), duplicates }).differences.map(({ kind }) => kind)
}

function completed(transactionId: string): LedgerRow {
  const [charge, payout] = movementsOf(transactionId) as [Entry, Entry]
  return { transactionId, state: 'completed', bill: movedOf(charge, 'viewer'), pay: movedOf(payout, 'platform') }
}

function failed(transactionId: string): LedgerRow {
  return { transactionId, state: 'failed', bill: null, pay: null }
}

function movedOf({ currency, amount, account, id, key }: Entry, role: 'viewer' | 'platform'): Moved {
  return { currency, total: amount, entries: [{ role, party: account, account, amount, id, key }] }
}

function movementsOf(reference: string): Entry[] {
  const order = { account: `card_ok_${reference}`, amount: 100, currency: 'EUR', reference }
  return [entryOf('charge', order), entryOf('payout', { ...order, account: 'acct_platform' })]
}

function declined(reference: string): Entry {
  return entryOf('charge', { account: 'card_declined_1', amount: 100, currency: 'EUR', reference })
}

function entryOf(kind: Kind, order: { account: string; amount: number; currency: string; reference: string }): Entry {
  return makeEntry(1, new Date(0), kind, `${order.reference}:${kind}`, order)
}

function bookOf(entries: Entry[]): Book {
  return { byKey: new Map(entries.map((entry) => [entry.key, entry])), duplicates: [], bytes: 0, tornBytes: 0 }
}
