/**
 * A partition of which more stays than one short transaction can move: what of it goes is deleted in bites, and what stays is
 * moved to the attic in portions, the oldest first. The attic then reaches into its day, so that every id has its place at any
 * moment, and a run that is killed has done what it has done.
 */
import type { Connections } from '../connect.ts'
import { biteTransactions } from './bites.ts'
import { transactions as family, idAt, timeOfId } from './families.ts'
import { type Kept, keptMax, lookAt } from './old.ts'
import { attic, type Partition } from './partitions.ts'
import { patiently, shortly } from './patience.ts'

export interface Lightened {
  /** What was moved. */
  readonly kept: readonly Kept[]
  readonly dropped: number
  /** Of the longest portion. */
  readonly lockMs: number
}

/** Until what is left of it can be moved at once. */
export async function lighten(db: Connections, partition: Partition, horizonMs: number): Promise<Lightened> {
  const kept: Kept[] = []
  let [dropped, lockMs] = [0, 0]
  for (let isFirst = true; ; isFirst = false) {
    const seen = (await lookAt(db, family, partition.suffix, horizonMs)).kept
    if (seen.length <= keptMax) return { kept, dropped, lockMs }
    if (isFirst) dropped = await thin(db, partition, horizonMs)
    const bound = boundOf(seen)
    kept.push(...seen.filter(({ id }) => id < bound))
    lockMs = Math.max(lockMs, await patiently(() => moveBelow(db, partition, bound), 'ledger_outage'))
  }
}

/** Whoever asks for one of it afterwards is told that it may be gone. */
async function thin(db: Connections, { suffix, toMs }: Partition, horizonMs: number): Promise<number> {
  await db.query({
    text: `update millrace_data.horizon set below_id = greatest(below_id, ${family.bound(toMs)}::uuid)`,
  })
  return biteTransactions(db, suffix, horizonMs)
}

/** Who was called begins with its caller's millisecond: those of one stay together. */
function boundOf(kept: readonly Kept[]): string {
  const [first, last] = [kept[0]?.id ?? '', kept.at(-1)?.id ?? '']
  return idAt(Math.max(timeOfId(last), timeOfId(first) + 1))
}

async function moveBelow(db: Connections, { suffix, toMs }: Partition, bound: string): Promise<number> {
  const startedMs = performance.now()
  const each = (text: (table: string) => string) => family.tables.map(text).join('\n')
  const key = (table: string) => (table === 'transaction' ? 'id' : 'transaction_id')
  await db.query({
    text: shortly(
      family.tables,
      each(
        (table) => `
alter table millrace_data.${table} detach partition millrace_data.${table}_${suffix};
alter table millrace_data.${table} detach partition millrace_data.${table}_${attic};
with moved as (delete from millrace_data.${table}_${suffix} where ${key(table)} < '${bound}' returning *)
insert into millrace_data.${table}_${attic} select * from moved;
alter table millrace_data.${table} attach partition millrace_data.${table}_${attic} for values from (minvalue) to ('${bound}');
alter table millrace_data.${table} attach partition millrace_data.${table}_${suffix} for values from ('${bound}') to (${family.bound(toMs)});`,
      ),
    ),
  })
  return performance.now() - startedMs
}
