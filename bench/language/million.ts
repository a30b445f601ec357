/**
 * A ledger in which half of a million transactions sleep, and half wait for an event: two thousand made by the engine, all
 * others copies of their rows under other ids and keys, so that they look the same.
 */
import type pg from 'pg'
import type { Ground } from '../ground.ts'
import { Stage } from './stage.ts'

const name = 'bench_rests'
/** Events that the engine itself takes in; each starts a sleeper and a waiter. */
const real = 1000
/** Of one bite: some seconds. */
const bite = 50_000

export async function openMillion(ground: Ground, count: number, tell: (line: string) => void): Promise<Stage> {
  const stage = await Stage.open(ground, name, true)
  try {
    await fill(stage, count, tell)
    return stage
  } catch (error) {
    await stage[Symbol.asyncDispose]()
    throw error
  }
}

async function fill(stage: Stage, count: number, tell: (line: string) => void): Promise<void> {
  const { db } = stage
  await db.query('create table if not exists bench_filled (filled int not null)')
  if ((await stage.count('bench_filled')) === 0) await makeReal(stage, tell)
  let { filled } = (await db.query('select filled from bench_filled')).rows[0]
  if (filled >= count) return
  await db.query('set synchronous_commit = off')
  for (; filled < count; filled += bite) {
    tell(`${filled.toLocaleString('en-US')} of ${count.toLocaleString('en-US')} rest`)
    await db.query('begin')
    for (const sql of await copies(db, filled, Math.min(count, filled + bite))) await db.query(sql)
    await db.query('update bench_filled set filled = $1', [Math.min(count, filled + bite)])
    await db.query('commit')
  }
  tell('the ledger is vacuumed')
  await db.query('vacuum (freeze, analyze)')
}

async function makeReal(stage: Stage, tell: (line: string) => void): Promise<void> {
  const { db, ground } = stage
  tell('the engine makes the first ones')
  await ground.preload(`${stage.name}.rest`, { bytes: 300, keys: real }, real)
  await stage.start()
  await stage.untilCount('all to rest', 'millrace_data.rest where is_alone', 2 * real, 120_000)
  await stage.stop()
  await db.query('begin')
  await db.query(`
create table bench_real as
  select row_number() over (order by id) - 1 as n, id, (extract(epoch from admitted_at) * 1000)::int8 as admitted_ms
  from millrace_data.transaction where id in (select transaction_id from millrace_data.rest);
create unique index on bench_real (n);
insert into bench_filled values (${2 * real});`)
  await db.query('commit')
}

/** Number n is a millisecond older than number n - 1. */
async function copies(db: pg.Client, from: number, to: number): Promise<string[]> {
  const ms = '((select min(admitted_ms) from bench_real) - g.n)'
  const id = `(lpad(to_hex(${ms}), 12, '0') || '8' || substr(md5(g.n::text), 1, 3) || '8' || substr(md5(g.n::text), 4, 15))::uuid`
  const places = `(select g.n, r.id as of_id, ${id} as id from generate_series(${from}, ${to - 1}) g(n)
    join bench_real r on r.n = g.n % ${2 * real}) s`
  const key = `'key-' || s.n`
  return [
    await copy(db, 'transaction', `${places} join millrace_data.transaction t on t.id = s.of_id`, { id: 's.id', key }),
    await copy(db, 'attempt', `${places} join millrace_data.attempt t on t.transaction_id = s.of_id`, {
      transaction_id: 's.id',
    }),
    await copy(db, 'rest', `${places} join millrace_data.rest t on t.transaction_id = s.of_id`, {
      transaction_id: 's.id',
      key: `case when t.key is not null then ${key} end`,
      key_hash: `case when t.key is not null then millrace_data.key_hash(t.topic, ${key}) end`,
    }),
  ]
}

/** All of a row but these columns. */
async function copy(
  db: pg.Client,
  table: string,
  from: string,
  others: Readonly<Record<string, string>>,
): Promise<string> {
  const { fields } = await db.query(`select * from millrace_data.${table} limit 0`)
  const columns = fields.map(({ name: column }) => column)
  const values = columns.map((column) => others[column] ?? `t.${column}`)
  return `insert into millrace_data.${table} (${columns.join(', ')}) select ${values.join(', ')} from ${from}`
}
