/** The database's own numbers of the types that a commit's rows are of. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batch, progress, scene, take, transaction } from './scene.ts'

test('after a dump was restored under it, a coordinator asks for the new numbers and writes on', async () => {
  const { db, ledger, ids } = await scene(1)
  const lane = await take(ledger, 0)
  const write = (n: number) =>
    ledger.commit(batch([progress(lane, n)], { transactions: [transaction(lane, ids.versionId, n)] }))
  await write(1)
  // As a restore leaves it: types made anew, and no connection from before.
  await db.query(`
create type millrace_data.lane_row_again as (lane int4, epoch int8, "position" int8, low uuid);
drop type millrace_data.lane_row;
alter type millrace_data.lane_row_again rename to lane_row`)
  await db.query(`
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and application_name = 'millrace' and pid <> pg_backend_pid()`)
  await assert.doesNotReject(untilConnected(() => write(2)))
  assert.deepEqual(await db.query('select count(*)::int as n from millrace.transactions'), [{ n: 2 }])
})

/** The first to use a connection that has been ended may be told so. */
async function untilConnected<T>(work: () => Promise<T>): Promise<T> {
  for (let left = 5; ; left--) {
    try {
      return await work()
    } catch (error) {
      if (left === 0 || (error as { code?: string }).code !== 'ledger_outage') throw error
    }
  }
}
