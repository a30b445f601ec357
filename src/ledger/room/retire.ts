/**
 * Takes a partition out of its tables, in one short transaction that waits for nobody: what is kept of it moves to the
 * attic, which then reaches up to the partition's end. Nothing is between the two, so every old id has its place.
 */
import type { Connections } from '../connect.ts'
import { carry, keptPostings } from './carry.ts'
import { type Family, families } from './families.ts'
import { lookAt, type Old } from './old.ts'
import { attic, type Partition } from './partitions.ts'
import { patiently, shortly } from './patience.ts'
import { lighten } from './portions.ts'

export interface Retired {
  readonly tables: readonly string[]
  readonly old: Old
  /** Reading it, beside all that goes on. */
  readonly lookMs: number
  /** What writers may have waited: from the lock to the commit. */
  readonly lockMs: number
  /** Removing the files of what nobody sees any more. */
  readonly dropMs: number
}

export async function retire(
  db: Connections,
  family: Family,
  partition: Partition,
  horizonMs: number,
): Promise<Retired> {
  const { suffix } = partition
  const light = family.name === 'transaction' ? await lighten(db, partition, horizonMs) : null
  let lookMs = 0
  const { old, lockMs } = await patiently(async () => {
    const startedMs = performance.now()
    const seen = await lookAt(db, family, suffix, horizonMs)
    if (family.name === 'posting') await carry(db, suffix, family.bound(partition.toMs))
    lookMs = performance.now() - startedMs
    return { old: seen, lockMs: await patiently(() => takeOut(db, family, partition, seen), 'ledger_outage') }
  }, 'ledger_conflict')
  const outMs = performance.now()
  const tables = family.tables.map((table) => `${table}_${suffix}`)
  await drop(db, tables)
  const took = { lookMs, lockMs: Math.max(lockMs, light?.lockMs ?? 0), dropMs: performance.now() - outMs }
  if (light === null) return { tables, old, ...took }
  const all = { ...old, kept: [...light.kept, ...old.kept], dropped: light.dropped + old.dropped }
  return { tables, old: all, ...took }
}

async function takeOut(db: Connections, family: Family, { suffix, toMs }: Partition, old: Old): Promise<number> {
  const startedMs = performance.now()
  const each = (text: (table: string) => string) => family.tables.map(text).join('\n')
  await db.query({
    text: shortly(
      family.tables,
      `
${family.name === 'transaction' ? recheck(suffix, old) : ''}
${each((table) => `alter table millrace_data.${table} detach partition millrace_data.${table}_${suffix};`)}
${each((table) => `alter table millrace_data.${table} detach partition millrace_data.${table}_${attic};`)}
${keep(family, suffix, old)}
${each(
  (table) =>
    `alter table millrace_data.${table} attach partition millrace_data.${table}_${attic}
  for values from (minvalue) to (${family.bound(toMs)});`,
)}
${mark(family, toMs)}
${laneHorizons(old)}`,
    ),
  })
  return performance.now() - startedMs
}

/**
 * Whoever opens a lane finds what is open by its low-water id and what is parked. Nothing may be open by that which was
 * not seen to be: it is found again under the lock, which is quick, before anything goes.
 */
function recheck(suffix: string, { kept, laneIds }: Old): string {
  const ids = idList(kept)
  return `
do $$
begin
  if exists (
    select from millrace_data.transaction_${suffix} t
    join millrace_data.lane_progress p on p.lane_id = t.lane_id and t.id >= p.low_id
    where t.id <> all(${ids})
      and t.id >= (select low_id from millrace_data.lane_progress
                   where lane_id = any(array[${laneIds}]::int4[]) order by low_id limit 1)
      and not exists (select from millrace_data.ending_${suffix} e where e.transaction_id = t.id)
    union all
    select from millrace_data.parked k join millrace_data.transaction_${suffix} t on t.id = k.transaction_id
    where t.id <> all(${ids})
      and not exists (select from millrace_data.ending_${suffix} e where e.transaction_id = t.id)
  ) then
    raise exception 'something of this partition was opened just now' using errcode = '40001';
  end if;
end
$$;`
}

function mark({ name, bound }: Family, toMs: number): string {
  const column = { transaction: 'below_id', commit: 'below_commit', posting: null, signal: null }[name]
  return column === null ? '' : `update millrace_data.horizon set ${column} = ${bound(toMs)};`
}

function keep({ name }: Family, suffix: string, { kept }: Old): string {
  if (name === 'posting') return keptPostings(suffix)
  if (kept.length === 0) return ''
  const moved = (table: string, id: string) => `
insert into millrace_data.${table}_${attic} select * from millrace_data.${table}_${suffix} where ${id} = any(${idList(kept)});`
  return ['attempt', 'ending', 'begun'].reduce(
    (all, table) => all + moved(table, 'transaction_id'),
    moved('transaction', 'id'),
  )
}

function idList(kept: Old['kept']): string {
  return `array[${kept.map(({ id }) => `'${id}'`).join(',')}]::uuid[]`
}

function laneHorizons({ lanes }: Old): string {
  if (lanes.length === 0) return ''
  return `
insert into millrace_data.lane_horizon as h (lane_id, pruned_to)
values ${lanes.map(({ laneId, to }) => `(${laneId}, ${to})`).join(', ')}
on conflict (lane_id) do update set pruned_to = greatest(h.pruned_to, excluded.pruned_to);`
}

/** Nobody sees them any more. After a kill the next one finds them. */
async function drop(db: Connections, tables: readonly string[]): Promise<void> {
  await db.query({ text: `drop table ${tables.map((table) => `millrace_data.${table}`).join(', ')}` })
}

/** Taken out, and not dropped: whoever did that was killed. */
export async function dropLeftovers(db: Connections): Promise<string[]> {
  const rows = await db.query<{ name: string }>({
    text: `
select c.relname as name from pg_class c
where c.relnamespace = 'millrace_data'::regnamespace and c.relkind = 'r' and not c.relispartition
  and c.relname ~ '^(${families.flatMap((family) => family.tables).join('|')})_(first|[0-9]{8})$'`,
  })
  const tables = rows.map(({ name }) => name)
  if (tables.length > 0) await drop(db, tables)
  return tables
}
