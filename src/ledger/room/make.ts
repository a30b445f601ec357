/**
 * Makes the partitions to come. A table is made beside and attached, which holds up neither readers nor writers; it
 * does not wait for long either, so that nobody queues up behind it.
 */
import { EngineError } from '../../base/error.ts'
import type { Connections } from '../connect.ts'
import { type Family, families } from './families.ts'
import { readRoom } from './partitions.ts'

export interface Made {
  readonly tables: readonly string[]
  readonly tookMs: number
}

const dayMs = 86_400_000
/** A clock that is ahead of Postgres' by more gets no partitions. */
const clockAheadMsMax = 60 * dayMs

/** Up to `reachMs` at least: for what has come whose clock is ahead of Postgres'. Twice, or by several at once, is as good as once. */
export async function makeRoom(db: Connections, reachMs = 0): Promise<Made[]> {
  const { nowMs, partitions } = await readRoom(db)
  if (reachMs > nowMs + clockAheadMsMax) throw clockAhead(reachMs, nowMs)
  const made: Made[] = []
  for (const family of families) {
    const untilMs = Math.max(nowMs + family.aheadMs, reachMs)
    let fromMs = partitions.get(family)?.at(-1)?.toMs ?? Number.POSITIVE_INFINITY
    while (fromMs <= untilMs) {
      const toMs = (Math.floor(fromMs / family.widthMs) + 1) * family.widthMs
      made.push(await make(db, family, fromMs, toMs))
      fromMs = toMs
    }
  }
  return made
}

async function make(db: Connections, family: Family, fromMs: number, toMs: number): Promise<Made> {
  const startedMs = performance.now()
  const suffix = new Date(fromMs).toISOString().slice(0, 10).replaceAll('-', '')
  const tables = family.tables.map((table) => `${table}_${suffix}`)
  await db.query({
    text: `
set local lock_timeout = '500ms';
select pg_advisory_xact_lock(${lockKey});
do $$
begin
  if to_regclass('millrace_data.${tables[0]}') is null then
    ${family.tables.map((table) => makeOne(table, suffix, family.bound(fromMs), family.bound(toMs))).join('\n    ')}
  end if;
end
$$`,
  })
  return { tables, tookMs: performance.now() - startedMs }
}

function makeOne(table: string, suffix: string, from: string, to: string): string {
  const name = `millrace_data.${table}_${suffix}`
  return `
    create table ${name} (like millrace_data.${table} including all)${table === 'commit' ? ' with (fillfactor = 80)' : ''};
    alter table millrace_data.${table} attach partition ${name} for values from (${from}) to (${to});${table === 'posting' ? staysWhole(name) : ''}`
}

/** A partition that is truncated by itself does not ask the trigger of the whole; those of rows it gets as it is attached. */
function staysWhole(name: string): string {
  return `
    create trigger posting_stays_whole before truncate on ${name}
      for each statement execute function millrace_data.posting_stays();`
}

/** Any number no one else takes. */
const lockKey = 0x6d696c6c7262

function clockAhead(reachMs: number, nowMs: number): EngineError {
  const message = `the clock of this coordinator is ${Math.round((reachMs - nowMs) / dayMs)} days ahead of Postgres'`
  return new EngineError('ledger_outage', `${message}: there are no partitions for it; set it right`, {
    retryable: true,
  })
}
