/** Copies by content, decided inside the commit: who was first with a key within the window stays, whoever comes later is his copy. */
import type { Batch, OfLane, TransactionRow } from '../../../src/coordinator/ports.ts'
import type { StoredDedup, Tables } from './tables.ts'

export interface Claims {
  /** Who holds each claimed key after this commit. */
  readonly winners: ReadonlyMap<string, StoredDedup>
  /** Transactions that are not admitted: id -> the id of the first. */
  readonly copies: ReadonlyMap<string, string>
}

const none: Claims = { winners: new Map(), copies: new Map() }

export function settleClaims(tables: Tables, batch: Batch, passed: ReadonlySet<number>, nowUs: number): Claims {
  const claims = batch.transactions.filter((row) => row.dedup !== null && passed.has(row.laneId))
  if (claims.length === 0) return none
  const winners = new Map<string, StoredDedup>()
  for (const row of inOrder(claims)) {
    const { key } = row.dedup as NonNullable<TransactionRow['dedup']>
    if (!winners.has(key)) winners.set(key, winnerOf(tables.dedup.get(key), row, nowUs))
  }
  const copies = new Map<string, string>()
  for (const row of claims) {
    const first = winners.get(row.dedup?.key as string) as StoredDedup
    if (first.transactionId !== row.id) copies.set(row.id, first.transactionId)
  }
  return { winners, copies }
}

/** Of several in one commit the lowest offset speaks for its key. */
function inOrder(claims: readonly OfLane<TransactionRow>[]): OfLane<TransactionRow>[] {
  return [...claims].sort((a, b) => a.offset - b.offset)
}

function winnerOf(holder: StoredDedup | undefined, row: TransactionRow, nowUs: number): StoredDedup {
  const { atUs, withinUs } = row.dedup as NonNullable<TransactionRow['dedup']>
  const stays = holder !== undefined && Math.abs(holder.atUs - atUs) <= withinUs
  if (!stays) return { transactionId: row.id, atUs, keepUntilUs: atUs + withinUs, seenUs: nowUs }
  return { ...holder, keepUntilUs: Math.max(holder.keepUntilUs, holder.atUs + withinUs) }
}
