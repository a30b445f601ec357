/** Postings and charges: what the group commit and the ledger's constraints say in SQL. */
import type { OfLane } from '../../../src/coordinator/ports.ts'
import type { PostingRow } from '../../../src/transaction/effect.ts'
import type { Written } from './commit.ts'
import { add, placeOf, type Tables } from './tables.ts'

type IsThere = (table: string, name: string, stored: boolean) => string | null

export function moneyRefused(tables: Tables, { postings }: Written, isThere: IsThere): (string | null)[] {
  return postings.flatMap((row) => [
    isThere(
      'posting',
      nameOf(row),
      postingsOf(tables, row).some((other) => nameOf(other) === nameOf(row)),
    ),
    row.reverses && isThere('posting_reversed_once', reversedName(row), isReversed(tables, row)),
  ])
}

/** The key of what is charged a second time; what is reversed with it may be charged again. */
export function chargedBefore(tables: Tables, { postings }: Written): string | null {
  const gone = new Set(postings.flatMap((row) => reversedBy(tables, row)?.chargeKey ?? []))
  const seen = new Set<string>()
  for (const row of postings) {
    if (row.chargeKey === null) continue
    const name = chargeName(tables, row)
    if (seen.has(name) || (tables.charges.has(name) && !gone.has(row.chargeKey))) return row.chargeKey
    seen.add(name)
  }
  return null
}

export function unbalanced({ postings }: Written): string | null {
  const isOdd = ({ debit, credit, amount, currency }: PostingRow) =>
    debit === credit || debit === '' || credit === '' || amount <= 0n || !/^[A-Z]{3}$/.test(currency)
  const odd = postings.find(isOdd)
  return odd ? `new row for relation "posting" violates check constraint (${odd.debit} ${odd.credit})` : null
}

/** A charge goes with the reversal of its posting: it may be made again then. */
export function writeMoney(tables: Tables, { postings }: Written): void {
  for (const row of postings) {
    const charged = reversedBy(tables, row)
    if (charged && charged.chargeKey !== null) tables.charges.delete(chargeName(tables, charged))
  }
  for (const row of postings) {
    add(tables.postings, row.transactionId, row)
    if (row.chargeKey !== null) tables.charges.set(chargeName(tables, row), row)
  }
}

function postingsOf(tables: Tables, row: PostingRow): readonly OfLane<PostingRow>[] {
  return tables.postings.get(row.transactionId) ?? []
}

function nameOf(row: PostingRow): string {
  return `${row.transactionId}/${placeOf(row)}/${row.attempt}/${row.n}`
}

function reversedName({ transactionId, item, reverses }: PostingRow): string {
  return `${transactionId}/${reverses?.step}/${reverses?.attempt}/${reverses?.n}/${item}`
}

function isReversed(tables: Tables, row: PostingRow): boolean {
  return postingsOf(tables, row).some((other) => other.reverses && reversedName(other) === reversedName(row))
}

function reversedBy(tables: Tables, row: PostingRow): OfLane<PostingRow> | undefined {
  const { reverses, item } = row
  if (!reverses) return undefined
  const { step, attempt, n } = reverses
  return postingsOf(tables, row).find(
    (other) => other.step === step && other.attempt === attempt && other.n === n && other.item === item,
  )
}

function chargeName(tables: Tables, { laneId, chargeKey }: OfLane<PostingRow>): string {
  return `${tables.lane(laneId).engine}/${chargeKey}`
}
