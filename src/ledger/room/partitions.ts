/** The partitions that there are, as Postgres knows them. */
import type { Connections } from '../connect.ts'
import { type Family, families } from './families.ts'

export interface Partition {
  /** What its tables are called behind the name of their family's: `attic`, `first`, `20261103`. */
  readonly suffix: string
  /** The moment behind it, in milliseconds. */
  readonly toMs: number
}

/** What is older than the horizon and still of use. */
export const attic = 'attic'

export interface Room {
  /** Postgres' clock. */
  readonly nowMs: number
  /** Oldest first; the attic is the first of all. */
  readonly partitions: ReadonlyMap<Family, readonly Partition[]>
}

export async function readRoom(db: Connections): Promise<Room> {
  const rows = await db.query<{ parent: string; name: string; bound: string; now_ms: string }>({
    name: 'millrace_room',
    text: `
select p.relname as parent, c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound,
       (extract(epoch from clock_timestamp()) * 1000)::int8 as now_ms
from pg_inherits i
join pg_class p on p.oid = i.inhparent
join pg_class c on c.oid = i.inhrelid
where p.oid = any(array[${families.map(({ name }) => `'millrace_data.${name}'::regclass`)}])`,
  })
  return {
    nowMs: Number(rows[0]?.now_ms),
    partitions: new Map(
      families.map((family) => [
        family,
        rows
          .filter((row) => row.parent === family.name)
          .map(({ name, bound }) => ({ suffix: name.slice(family.name.length + 1), toMs: endOf(family, bound) }))
          .sort((a, b) => a.toMs - b.toMs),
      ]),
    ),
  }
}

/** FOR VALUES FROM ('…') TO ('…') */
function endOf(family: Family, bound: string): number {
  const text = / TO \('?([0-9a-f-]+)'?\)$/.exec(bound)?.[1]
  if (text !== undefined) return family.timeOf(text)
  throw new TypeError(`a partition of ${family.name} has a bound that is none of ours: ${bound}`)
}
