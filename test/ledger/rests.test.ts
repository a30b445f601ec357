/** What is read of rests some at a time is read whole, and what was claimed for nothing is given back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/ledger/connect.ts'
import { unlooked } from '../../src/ledger/rests.ts'
import { freshLedger } from '../support/servers.ts'

const idOf = (n: number) => `019a0000-0000-8000-8000-${String(n).padStart(12, '0')}`

test('waits that are to be looked at are read in bites, and none is left out or read twice', async () => {
  const { databaseUrl, query } = await freshLedger()
  await query(`
    insert into millrace_data.look (transaction_id, step, item, lane_id)
    select ('019a0000-0000-8000-8000-' || lpad((n / 4)::text, 12, '0'))::uuid, n / 2 % 2, (n % 2)::text, n % 3
    from generate_series(0, 99) n order by md5(n::text)`)
  const db = connect({ databaseUrl, connectionsMax: 1, answerMsMax: 10_000 })
  try {
    const seen: string[] = []
    let bites = 0
    for (let rows = await unlooked(db, [0, 2], null, 7); rows.length > 0; bites++) {
      seen.push(...rows.map(({ transactionId, step, item }) => `${transactionId}/${step}/${item}`))
      rows = await unlooked(db, [0, 2], rows.at(-1) ?? null, 7)
    }
    assert.equal(new Set(seen).size, seen.length)
    assert.equal(seen.length, 67)
    assert.equal(bites, Math.ceil(67 / 7))
  } finally {
    await db.end()
  }
})

test('of a commit, those who wait no more give back what they had claimed and did not take', async () => {
  const { query } = await freshLedger()
  const [kept, taken, others, free] = [1, 2, 3, 4].map(idOf)
  await query(`
    insert into millrace_data.signal (id, lane_id, workflow_id, kafka_offset, key, key_hash, at, keep_until, received_at, take_first, event, commit_id)
    select id, 7, 1, 0, 'k', 1, now(), now(), now(), true, '{}', 1 from unnest('{${kept},${taken},${others},${free}}'::uuid[]) id`)
  await query(`
    insert into millrace_data.taken (signal_id, transaction_id, step, item, is_only, commit_id) values
      ('${kept}', '${idOf(11)}', 1, '', true, null), ('${taken}', '${idOf(12)}', 1, '', true, 5),
      ('${others}', '${idOf(13)}', 1, '', true, null), ('${free}', '${idOf(12)}', 2, '3', true, null)`)
  const freed = await query(`
    select * from millrace_data.free_claims(
      array['${idOf(11)}', '${idOf(12)}', '${idOf(12)}', '${idOf(14)}']::uuid[], '{1,1,2,1}', array['', '', '3', ''],
      array['${kept}', null, null, null]::uuid[])`)
  assert.deepEqual(freed, [{ signal_id: free, lane_id: 7 }])
  const left = await query('select signal_id from millrace_data.taken order by signal_id')
  assert.deepEqual(
    left.map((row) => row.signal_id),
    [kept, taken, others],
  )
})
