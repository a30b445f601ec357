/** Postings that go are added to what their accounts come to, in the commit that takes them out of account themselves. */
import type { Connections } from '../connect.ts'

/** A CTE over postings of transactions that are gone. */
export function carried(rows: string): string {
  return `carried as (
  insert into millrace_data.carried as c (engine_id, account, currency, debits, credits)
  select engine_id, account, currency, sum(debits), sum(credits) from (
    select engine_id, debit as account, currency, amount as debits, 0 as credits from ${rows}
    union all
    select engine_id, credit, currency, 0, amount from ${rows}) s
  group by engine_id, account, currency
  on conflict (engine_id, account, currency) do update
    set debits = c.debits + excluded.debits, credits = c.credits + excluded.credits
)`
}

/**
 * Before the partition is taken out, for this reads all of it. From here on its postings count by the balances; but those of
 * transactions that are kept, which count one by one.
 */
export async function carry(db: Connections, suffix: string, bound: string): Promise<void> {
  const [horizon] = await db.query<{ done: boolean }>({
    text: `select carried_id >= ${bound} as done from millrace_data.horizon`,
  })
  // By a run that was killed before it took the partition out.
  if (horizon?.done) return
  await db.query({
    text: `
with gone as materialized (
  select p.* from millrace_data.posting_${suffix} p
  where not exists (select from millrace_data.transaction_attic t where t.id = p.transaction_id)
), ${carried('gone')}
update millrace_data.horizon set carried_id = ${bound}, carried_at = greatest(carried_at, (select max(at) from gone))`,
  })
}

/** What is kept of a partition that was detached. */
export function keptPostings(suffix: string): string {
  return `
insert into millrace_data.posting_attic select p.* from millrace_data.transaction_attic t
join millrace_data.posting_${suffix} p on p.transaction_id = t.id;`
}
