/** Why a transaction will not complete, and how it was opened again: what the group commit says in SQL. */
import type { Written } from './commit.ts'
import { add, type Tables } from './tables.ts'

/** Its ending becomes history. Who is open again has an id below the mark: it is parked. */
export function writeReopened(tables: Tables, { reopened, endings }: Written): void {
  for (const row of reopened) {
    const { transactionId, laneId } = row
    const former = tables.endings.get(transactionId)
    if (former) {
      tables.endings.delete(transactionId)
      add(tables.rounds, transactionId, { ...row, former })
      tables.lane(laneId).open.add(transactionId)
    }
    if (!endings.some((each) => each.transactionId === transactionId)) tables.lane(laneId).parked.add(transactionId)
  }
}

export function writeTurns(tables: Tables, { turns }: Written): void {
  for (const row of turns) add(tables.turns, row.transactionId, row)
}
