/** A ledger with a history: rows as the engine writes them, made by SQL, in bites that a run that was stopped goes on after. */
import pg from 'pg'
import type { Ground } from '../ground.ts'
import { engine as engineSide } from '../sides/engine.ts'

const database = 'bench_full'
const engine = 'bench_full'
/** Of one bite: some seconds. */
const bite = 100_000

/** Answers with the database and the engine whose history it is. */
export async function fillLedger(
  ground: Ground,
  count: number,
  tell: (line: string) => void,
): Promise<{ database: string; engine: string }> {
  const databaseUrl = await ground.keepDatabase(database)
  await engineSide.prepare(databaseUrl)
  const db = new pg.Client(databaseUrl)
  await db.connect()
  try {
    await db.query(beginning)
    const { rows } = await db.query('select filled, first_ms::float8 as first_ms from bench_filled')
    const { first_ms: firstMs } = rows[0]
    let filled: number = rows[0].filled
    if (filled < count) await db.query('set synchronous_commit = off')
    const fresh = filled < count
    for (; filled < count; filled += bite) {
      tell(`ledger: ${filled.toLocaleString('en-US')} of ${count.toLocaleString('en-US')} transactions are there`)
      await db.query('begin')
      for (const sql of rowsOf(firstMs, filled, Math.min(count, filled + bite))) await db.query(sql)
      await db.query('update bench_filled set filled = $1', [Math.min(count, filled + bite)])
      await db.query('commit')
    }
    tell('ledger: is vacuumed')
    if (fresh) await db.query('vacuum (freeze, analyze)')
  } finally {
    await db.end()
  }
  return { database, engine }
}

/** Its transactions are a millisecond apart and the last one is of yesterday at the latest, whatever comes. */
const beginning = `
create table if not exists bench_filled (filled int not null, first_ms bigint not null);
do $$
begin
  if not exists (select from bench_filled) then
    insert into bench_filled values (0, (extract(epoch from now()) * 1000)::int8 - 30::int8 * 86400 * 1000);
    insert into millrace_data.engine (name) values ('${engine}');
    insert into millrace_data.topic (name) values ('bench.before');
    insert into millrace_data.workflow (name) values ('before');
    insert into millrace_data.version (workflow_id, hash, source, step_ids, step_functions)
      values (1, repeat('0', 64), 'name: before', '{s1,s2,s3,s4,s5}', '{work,work,work,work,work}');
    insert into millrace_data.lane (engine_id, topic_id, kafka_partition) select 1, 1, p from generate_series(0, 3) p;
    insert into millrace_data.lane_progress (lane_id, next_offset, low_id)
      select id, 0, 'ffffffff-ffff-ffff-ffff-ffffffffffff' from millrace_data.lane;
    insert into millrace_data.subscription select id, 1, 0 from millrace_data.lane;
  end if;
end $$`

/** Every hundred transactions six group commits. Millisecond n is transaction n's. */
function rowsOf(firstMs: number, from: number, to: number): string[] {
  const stamp = `to_timestamp((${firstMs} + n)::float8 / 1000)`
  const id = `(lpad(to_hex(${firstMs}::int8 + n), 12, '0') || '8' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid`
  const commitOf = (part: string) => `(1::int8 << 40) + n / 100 * 8 + ${part}`
  const all = `generate_series(${from}, ${to - 1}) n`
  return [
    `insert into millrace_data.commit (id, lanes, sent_at, returned_at)
     select ${commitOf('part')}, '{1,2,3,4}', ${stamp}, ${stamp}
     from generate_series(${from}, ${to - 1}, 100) n, generate_series(0, 5) part`,
    `insert into millrace_data.transaction
       (id, lane_id, version_id, kafka_offset, key, event_id, envelope, produced_at, fetched_at, admitted_at, commit_id)
     select ${id}, n % 4 + 1, 1, n / 4, 'key-' || n % 5000, 'key-' || n % 5000 || '@bench.before/' || n % 4 || '/' || n / 4,
            '{"type":null,"source":null,"time":"2026-01-01T00:00:00.000Z","meta":{},"data":{"n":' || n
              || ',"key":"key-' || n % 5000 || '","padding":"${'x'.repeat(256)}"}}',
            ${stamp}, ${stamp}, ${stamp}, ${commitOf('0')}
     from ${all}`,
    `insert into millrace_data.attempt
       (transaction_id, step, attempt, outcome, step_state, output, eligible_at, dispatched_at, started_at, finished_at,
        received_at, commit_id)
     select ${id}, step, 1, 1, 1, '{"n":' || n || '}', ${stamp}, ${stamp}, ${stamp}, ${stamp}, ${stamp}, ${commitOf('step + 1')}
     from ${all}, generate_series(0, 4) step`,
    `insert into millrace_data.ending (transaction_id, state, ended_at, commit_id)
     select ${id}, 1, ${stamp}, ${commitOf('5')} from ${all}`,
  ]
}
