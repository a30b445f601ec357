/** The ledger's postings and the provider's book, to the cent: for each transaction and party both come to the same. */
import { imbalances, type PostedSum } from '../../../demo/balance.ts'
import { type Book, effectsOf } from '../../../demo/provider/book.ts'
import type { Arena } from '../arena.ts'

/** What it all goes through; the provider knows of none. */
const clearing = 'clearing'

export async function moneyUnlike(arena: Arena, book: Book): Promise<string[]> {
  const sums = (await sumsOf(arena)).filter(({ account }) => account !== clearing)
  const known = new Set((await arena.query<{ id: string }>('select id from millrace.transactions')).map(({ id }) => id))
  return [
    ...book.duplicates.map(({ key, reference }) => `${reference}: the provider did it again for ${key}`),
    ...effectsOf(book)
      .filter(({ reference }) => !known.has(reference))
      .map(({ kind, reference }) => `a ${kind} for ${reference}, which is not in the ledger`),
    ...imbalances(sums, book, clearing).map(
      ({ transactionId, account, ledger, book: inBook }) =>
        `${transactionId} ${account}: ledger ${ledger}, book ${inBook}`,
    ),
    ...(await notBackToNothing(arena)),
  ]
}

/** What each account comes to in each transaction. */
async function sumsOf(arena: Arena): Promise<PostedSum[]> {
  const rows = await arena.query<Omit<PostedSum, 'sum'> & { sum: string }>(
    `select p.transaction_id as "transactionId", side.account, p.currency, sum(side.amount) as sum
     from millrace.postings p
     cross join lateral (values (p.debit, -p.amount), (p.credit, p.amount)) side (account, amount)
     group by 1, 2, 3`,
  )
  return rows.map((row) => ({ ...row, sum: BigInt(row.sum) }))
}

/** Of what did not complete no money stays moved. */
async function notBackToNothing(arena: Arena): Promise<string[]> {
  const rows = await arena.query<{ line: string }>(
    `select format('%s is %s, and %s has %s %s', t.id, t.state, side.account, sum(side.amount), p.currency) as line
     from millrace.postings p join millrace.transactions t on t.id = p.transaction_id and t.state <> 'completed'
     cross join lateral (values (p.debit, -p.amount), (p.credit, p.amount)) side (account, amount)
     group by t.id, t.state, side.account, p.currency having sum(side.amount) <> 0`,
  )
  return rows.map((row) => row.line)
}
