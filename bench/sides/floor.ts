/** The floor as a side: see ../floor/main.ts. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { tables } from '../floor/tables.ts'
import { Running } from '../running.ts'
import type { Setting, Side } from '../side.ts'

const program = fileURLToPath(new URL('../floor/main.js', import.meta.url))

export const floor: Side = {
  name: 'floor',
  async prepare(databaseUrl) {
    const client = new pg.Client(databaseUrl)
    await client.connect()
    await client.query(tables)
    await client.end()
  },
  async start({ dir, brokers, databaseUrl, topic, shape, profileDir }: Setting) {
    const profile = profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]
    const env = {
      KAFKA_BROKERS: brokers.join(','),
      DATABASE_URL: databaseUrl,
      FLOOR_TOPIC: topic,
      FLOOR_STEPS: String(shape.steps),
      FLOOR_WAIT_MS: String(shape.waitMs),
    }
    return new Running([{ args: [...profile, program], env, logFile: join(dir, 'floor.log') }])
  },
  sql: ({ steps }) => ({
    admitted: 'select coalesce(sum(next_offset), 0)::int as n from floor.progress',
    commits: 'select count(*)::int as n from floor.commit',
    // The ending of a transaction is its last attempt.
    endedCount: `select count(*)::int as n from floor.attempt where step = ${steps} and transaction_id >= $1::int8 << 22`,
    ended: `
      select t.produced_at, t.fetched_at, c.returned_at as ended_at
      from floor.transaction t
      join floor.attempt a on a.transaction_id = t.id and a.step = ${steps}
      join floor.commit c on c.id = a.commit_id
      where t.id >= $1::int8 << 22`,
  }),
}
