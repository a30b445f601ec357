/** Cuts what is there at a moment, as if a day had ended then: so that a test sees partitions go while they are fresh. */
import { commits, type Family, families, idAt } from '../../src/ledger/room/families.ts'
import type { TestLedger } from './servers.ts'

/** The part before that moment is the partition `suffix`; what comes is in the one that is last. In one commit. */
export async function cut(ledger: TestLedger, family: Family, atMs: number, suffix: string): Promise<void> {
  const [whole] = await ledger.query<{ name: string; from: string; to: string }>(
    `select c.relname as name, substring(pg_get_expr(relpartbound, c.oid) from 'FROM \\((.*)\\) TO') as from,
            substring(pg_get_expr(relpartbound, c.oid) from ' TO \\((.*)\\)') as to
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where inhparent = 'millrace_data.${family.name}'::regclass and c.relname like '${family.name}_first%'`,
  )
  if (!whole) throw new Error('there is no first partition')
  const bound = family.bound(atMs)
  const parents = family.tables.map((table) => `millrace_data.${table}`)
  const cuts = family.tables.map((table) => {
    const parent = `millrace_data.${table}`
    const key = table === family.name ? 'id' : family === commits ? 'commit_id' : 'transaction_id'
    return `
create table ${parent}_${suffix} (like ${parent} including all);
insert into ${parent}_${suffix} select * from ${parent}_first where ${key} < ${bound};
delete from ${parent}_first where ${key} < ${bound};
alter table ${parent} detach partition ${parent}_first;
alter table ${parent} attach partition ${parent}_${suffix} for values from (${whole.from}) to (${bound});
alter table ${parent} attach partition ${parent}_first for values from (${bound}) to (${whole.to});`
  })
  await ledger.query(`lock table ${parents.join(', ')} in access exclusive mode; ${cuts.join('')}`)
}

/** As if it had been pruned daily until so many days ago: empty partitions from then on. The ledger must be empty. */
export async function emptySince(ledger: TestLedger, fromMs: number): Promise<void> {
  for (const family of families) {
    for (const table of family.tables) {
      const parts = await ledger.query<{ name: string }>(
        `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'millrace_data.${table}'::regclass`,
      )
      for (const { name } of parts) if (!name.endsWith('_attic')) await ledger.query(`drop table ${name}`)
      await ledger.query(`alter table millrace_data.${table} detach partition millrace_data.${table}_attic`)
      await ledger.query(
        `alter table millrace_data.${table} attach partition millrace_data.${table}_attic for values from (minvalue) to (${family.bound(fromMs)})`,
      )
    }
  }
}

/** An id of that moment. */
export function idOfMoment(ms: number, n: number): string {
  return `${idAt(ms).slice(0, 13)}-8000-8000-${String(n).padStart(12, '0')}`
}
