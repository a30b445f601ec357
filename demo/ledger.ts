/** What the demo asks the ledger, with SQL alone, as anybody may. `run` is the first part of its events' ids. */
import pg from 'pg'
import type { PostedSum } from './balance.ts'
import type { LedgerRow } from './compare.ts'
import type { Seen } from './endings.ts'
import type { LatencyRow, MoneyRow } from './summary.ts'

export class DemoLedger {
  readonly #pool: pg.Pool
  readonly #run: string

  constructor(databaseUrl: string, run: string) {
    // Nothing has counted these rows yet, and taking all of them for few would join them row by row.
    this.#pool = new pg.Pool({ connectionString: databaseUrl, max: 2, options: '-c enable_nestloop=off' })
    this.#pool.on('error', () => undefined)
    this.#run = `${run}-%`
  }

  /** How many of this run's events have come to an end, one way or the other. */
  async ended(): Promise<number> {
    const [row] = await this.#ask<{ n: string }>(`
      select (select count(*) from millrace.transactions where event_id like $1 and ended_at is not null)
           + (select count(*) from millrace.dead_letters where headers->>'ce_id' like $1) as n`)
    return Number(row?.n ?? 0)
  }

  async rows(): Promise<LedgerRow[]> {
    return this.#ask<LedgerRow>(`
      select id as "transactionId", state from millrace.transactions where event_id like $1`)
  }

  /** What each account comes to in each transaction. */
  async sums(): Promise<PostedSum[]> {
    const rows = await this.#ask<Omit<PostedSum, 'sum'> & { sum: string }>(`
      select p.transaction_id as "transactionId", side.account, p.currency, sum(side.amount) as sum
      from millrace.postings p
      join millrace.transactions t on t.id = p.transaction_id and t.event_id like $1
      cross join lateral (values (p.debit, -p.amount), (p.credit, p.amount)) side (account, amount)
      group by 1, 2, 3`)
    return rows.map((row) => ({ ...row, sum: BigInt(row.sum) }))
  }

  async seen(): Promise<Seen[]> {
    const rows = await this.#ask<{
      eventId: string
      end: string
      code: string | null
      currency: string
      paid: string
    }>(`
      select t.event_id as "eventId", t.state as end, t.error_code as code, v.currency, v.paid
      from millrace.transactions t
      left join (
        select transaction_id, currency,
               sum(case when debit like 'viewer:%' then amount else -amount end) as paid
        from millrace.postings where debit like 'viewer:%' or credit like 'viewer:%'
        group by 1, 2
      ) v on v.transaction_id = t.id and v.paid <> 0
      where t.event_id like $1`)
    const letters = await this.#ask<Seen>(`
      select headers->>'ce_id' as "eventId", 'dead_letter' as end, code
      from millrace.dead_letters where headers->>'ce_id' like $1`)
    const transactions = rows.map(({ currency, paid, ...one }) => {
      return { ...one, charged: paid === null ? undefined : { currency, amount: Number(paid) } }
    })
    return [...transactions, ...letters]
  }

  async states(): Promise<Record<string, number>> {
    const rows = await this.#ask<{ state: string; n: number }>(`
      select state, count(*)::int as n from millrace.transactions where event_id like $1 group by 1 order by 2 desc`)
    return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
  }

  async deadLetters(): Promise<number> {
    const [row] = await this.#ask<{ n: string }>(`
      select count(*) as n from millrace.dead_letters where headers->>'ce_id' like $1`)
    return Number(row?.n ?? 0)
  }

  /** The whole first, then the steps in the workflow's order. */
  async latency(): Promise<LatencyRow[]> {
    return this.#ask<LatencyRow>(`
      with parts as (
        select 'published to ended' as name, 0 as place,
               extract(epoch from ended_at - least(produced_at, fetched_at)) * 1000 as ms
        from millrace.transactions where event_id like $1 and ended_at is not null
        union all
        select a.step, array_position(v.steps, a.step), extract(epoch from a.committed_at - a.eligible_at) * 1000
        from millrace.attempts a
        join millrace.transactions t on t.id = a.transaction_id and t.event_id like $1
        join millrace.versions v on v.version = t.version and v.workflow = t.workflow
        where a.kind = 'invoke' and a.outcome = 'ok'
      )
      select name, count(*)::int as count, percentile_cont(0.5) within group (order by ms)::float8 as p50,
             percentile_cont(0.95) within group (order by ms)::float8 as p95,
             percentile_cont(0.99) within group (order by ms)::float8 as p99
      from parts group by name, place order by place`)
  }

  async money(): Promise<MoneyRow[]> {
    const rows = await this.#ask<{ currency: string; billed: string; paid: string }>(`
      select p.currency,
             coalesce(sum(-side.amount) filter (where side.account ~ '^(viewer|advertiser):'), 0) as billed,
             coalesce(sum(side.amount) filter (where side.account ~ '^(rights_holder|carrier|platform):'), 0) as paid
      from millrace.postings p
      join millrace.transactions t on t.id = p.transaction_id and t.event_id like $1
      cross join lateral (values (p.debit, -p.amount), (p.credit, p.amount)) side (account, amount)
      group by 1 order by count(*) desc, 1`)
    return rows.map(({ currency, billed, paid }) => ({ currency, billed: BigInt(billed), paid: BigInt(paid) }))
  }

  async end(): Promise<void> {
    await this.#pool.end()
  }

  async #ask<Row extends object>(sql: string): Promise<Row[]> {
    return (await this.#pool.query(sql, [this.#run])).rows
  }
}
