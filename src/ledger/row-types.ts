/**
 * What Postgres calls the composite types that a commit's rows are of. A database has numbers of its own for them, and others
 * after a dump was restored into it: they are asked for when they are refused (42804), and then the statement is made again.
 */
import { EngineError } from '../base/error.ts'
import type { Connections } from './connect.ts'

export const rowTypes = ['lane_row', 'transaction_row', 'attempt_row', 'nested_attempt_row', 'ending_row'] as const
export type RowType = (typeof rowTypes)[number]
export type RowOids = Readonly<Record<RowType, number>>

export async function rowOids(db: Connections): Promise<RowOids> {
  const rows = await db.query<{ name: RowType; oid: string }>({
    text: `
select typname as name, oid::int8 as oid from pg_type
where typnamespace = 'millrace_data'::regnamespace and typname = any($1::text[])`,
    values: [rowTypes],
  })
  return Object.fromEntries(rows.map(({ name, oid }) => [name, Number(oid)])) as Record<RowType, number>
}

/** Does again with new numbers what was refused with those that were known. */
export class RowNumbers {
  readonly #db: Connections
  #known: RowOids

  constructor(db: Connections, known: RowOids) {
    this.#db = db
    this.#known = known
  }

  async with<T>(work: (oids: RowOids) => Promise<T>): Promise<T> {
    try {
      return await work(this.#known)
    } catch (error) {
      if (!(error instanceof EngineError) || error.details.sqlState !== '42804') throw error
      this.#known = await rowOids(this.#db)
      return work(this.#known)
    }
  }
}
