/** Each way in which ledger and book can differ is found. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PostedSum } from '../../demo/balance.ts'
import { compare, type LedgerRow } from '../../demo/compare.ts'
import type { Book } from '../../demo/provider/book.ts'
import { type Entry, type Kind, makeEntry } from '../../demo/provider/entry.ts'

const rows: LedgerRow[] = [
  { transactionId: 'a', state: 'completed' },
  { transactionId: 'b', state: 'compensated' },
]
const sums: PostedSum[] = [
  sumOf('a', 'viewer:1', -70n),
  sumOf('a', 'clearing', 0n),
  sumOf('a', 'platform:p', 70n),
  sumOf('b', 'viewer:1', 0n),
  sumOf('b', 'clearing', 0n),
]
const entries: Entry[] = [
  entryOf('charge', 'ch-a', { party: 'viewer:1', amount: 100 }),
  entryOf('payout', 'po-a', { party: 'platform:p', amount: 100 }),
  entryOf('refund', 're-a1', { party: 'viewer:1', amount: 30, of: 'ch-a' }),
  entryOf('refund', 're-a2', { party: 'platform:p', amount: 30, of: 'po-a' }),
  entryOf('charge', 'ch-b', { party: 'viewer:1', amount: 100, reference: 'b' }),
  entryOf('void', 'vo-b1', { party: 'viewer:1', amount: 100, of: 'ch-b', reference: 'b' }),
  entryOf('void', 'vo-b2', { party: undefined, account: '', currency: '', amount: 0, of: 'never', reference: 'b' }),
  entryOf('charge', 'no-b', { party: 'viewer:1', account: 'card_declined_1', amount: 5, reference: 'b' }),
]

test('agrees when both sides come to the same, whatever happened on the way', () => {
  assert.deepEqual(compare(rows, sums, bookOf(entries), 'clearing'), { agrees: true, differences: [], movements: 6 })
})

test('tells what the book lacks and what the ledger lacks', () => {
  for (const missing of entries.filter(({ amount, status }) => amount > 0 && status === 'succeeded')) {
    const less = entries.filter((entry) => entry !== missing)
    assert.ok(kinds(rows, sums, less).includes('differs'), missing.key)
  }
  const some = sums.filter(({ sum }) => sum !== 0n)
  for (const missing of some) {
    assert.deepEqual(
      kinds(
        rows,
        sums.filter((sum) => sum !== missing),
        entries,
      ),
      ['differs'],
    )
  }
})

test('tells amounts, parties, currencies and transactions that differ', () => {
  for (const other of [{ amount: 101 }, { currency: 'USD' }, { party: 'viewer:2' }, { reference: 'b' }]) {
    const changed = entries.map((entry) => (entry.key === 'ch-a' ? { ...entry, ...other } : entry))
    assert.ok(kinds(rows, sums, changed).includes('differs'), JSON.stringify(other))
  }
  const unbalanced = [...sums.slice(0, 1), sumOf('a', 'clearing', 1n), ...sums.slice(2)]
  assert.deepEqual(kinds(rows, unbalanced, entries), ['differs'])
})

test('tells what happened twice, and what belongs to nobody', () => {
  const doubled = compare(rows, sums, { ...bookOf(entries), duplicates: [entries[0]!] }, 'clearing')
  assert.deepEqual(
    doubled.differences.map(({ kind }) => kind),
    ['key_twice_in_book'],
  )
  const stranger = entryOf('charge', 'ch-c', { party: 'viewer:1', amount: 1, reference: 'c' })
  assert.ok(kinds(rows, sums, [...entries, stranger]).includes('unknown_transaction'))
})

test('tells money that stays where all should be undone, and a film that nobody was billed for', () => {
  const failed = [{ transactionId: 'a', state: 'failed' }, rows[1]!]
  assert.deepEqual(kinds(failed, sums, entries), ['not_undone'])
  const free = [...rows, { transactionId: 'c', state: 'completed' }]
  assert.deepEqual(kinds(free, sums, entries), ['not_billed'])
})

function kinds(of: LedgerRow[], posted: PostedSum[], book: Entry[]): string[] {
  const { differences } = compare(of, posted, bookOf(book), 'clearing')
  return [...new Set(differences.map(({ kind }) => kind))]
}

function sumOf(transactionId: string, account: string, sum: bigint): PostedSum {
  return { transactionId, account, currency: 'EUR', sum }
}

function entryOf(kind: Kind, key: string, order: Partial<Entry>): Entry {
  const plain = { account: 'acct', amount: 0, currency: 'EUR', reference: 'a' }
  return makeEntry(1, new Date(0), kind, key, { ...plain, ...order })
}

function bookOf(list: Entry[]): Book {
  return { byKey: new Map(list.map((entry) => [entry.key, entry])), duplicates: [], bytes: 0, tornBytes: 0 }
}
