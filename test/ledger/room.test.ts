/** Partitions: made ahead and when a row has none; dropped when all of them is old, but for what is open. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenedLane } from '../../src/coordinator/ports.ts'
import { connect } from '../../src/ledger/connect.ts'
import { commitAt, commits, idAt, transactions } from '../../src/ledger/room/families.ts'
import { makeRoom } from '../../src/ledger/room/make.ts'
import { readRoom } from '../../src/ledger/room/partitions.ts'
import { prune } from '../../src/ledger/room/prune.ts'
import { atEnd } from '../support/at-end.ts'
import { emptySince, idOfMoment } from '../support/partitions.ts'
import type { TestLedger } from '../support/servers.ts'
import { attempt, batch, ending, progress, scene, take, transaction } from './scene.ts'

const dayMs = 86_400_000
const nowMs = Date.now()

function connections({ databaseUrl }: TestLedger) {
  const db = connect({ databaseUrl, connectionsMax: 1, answerMsMax: 30_000 })
  atEnd(() => db.end())
  return db
}

/** As if it had been pruned daily until so many days ago. */
async function sinceDaysAgo(db: TestLedger, days: number): Promise<void> {
  await emptySince(db, Math.floor(nowMs / dayMs - days) * dayMs)
  await makeRoom(connections(db))
}

/** As if the ledger had been migrated long ago. */
async function firstEnds(db: TestLedger, atMs: number): Promise<void> {
  for (const family of [transactions, commits]) {
    const zero = family === commits ? '0' : idAt(0)
    const [{ suffixes } = { suffixes: [] }] = await db.query<{ suffixes: string[] }>(
      `select array_agg(substring(c.relname from '[0-9]+$')) as suffixes from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'millrace_data.${family.name}'::regclass and c.relname ~ '[0-9]+$'`,
    )
    for (const table of family.tables) {
      for (const suffix of suffixes) await db.query(`drop table millrace_data.${table}_${suffix}`)
      await db.query(`alter table millrace_data.${table} detach partition millrace_data.${table}_first`)
      await db.query(
        `alter table millrace_data.${table} attach partition millrace_data.${table}_first
         for values from ('${zero}') to (${family.bound(atMs)})`,
      )
    }
  }
  await makeRoom(connections(db))
}

let count = 0

/** An id and rows of so many days ago. */
function aged(lane: OpenedLane, versionId: number, days: number, ended: boolean) {
  const atMs = nowMs - days * dayMs
  const n = ++count
  const id = idOfMoment(atMs, n)
  const row = transaction(lane, versionId, n, { id, offset: n - 1, admittedUs: atMs * 1000 })
  const rest = ended ? { endings: [ending(lane, n, { transactionId: id, endedUs: (atMs + 1000) * 1000 })] } : {}
  return {
    id,
    batch: batch([progress(lane, n, idAt(atMs))], {
      commitId: commitAt(atMs) + BigInt(n),
      sentUs: atMs * 1000,
      transactions: [row],
      attempts: [
        attempt(lane, n, {
          transactionId: id,
          ...(ended ? {} : { outcome: 'retry', stepState: null, nextUs: nowMs * 1000 }),
        }),
      ],
      ...rest,
    }),
  }
}

async function rowsOf(db: TestLedger, table: string): Promise<number> {
  const [row] = await db.query<{ count: string }>(`select count(*) as count from millrace_data.${table}`)
  return Number(row?.count)
}

test('partitions are made ahead, once, whoever and however many make them', async () => {
  const { db } = await scene()
  await sinceDaysAgo(db, 3)
  const { partitions } = await readRoom(connections(db))
  for (const [family, all] of partitions) {
    assert.ok((all.at(-1)?.toMs ?? 0) >= nowMs + family.aheadMs - 60_000, family.name)
    const dates = all.slice(1).map(({ suffix }) => suffix)
    assert.deepEqual(dates, [...new Set(dates)].toSorted())
  }
  assert.deepEqual(await makeRoom(connections(db)), [])
})

test('two that make the same at once', async () => {
  const { db } = await scene()
  const { partitions } = await readRoom(connections(db))
  for (const [family, all] of partitions) {
    for (const { suffix } of all.slice(2))
      for (const table of family.tables) await db.query(`drop table millrace_data.${table}_${suffix}`)
  }
  await Promise.all([1, 2, 3].map(() => makeRoom(connections(db))))
  assert.deepEqual(await readRoom(connections(db)).then((room) => [...room.partitions.values()]), [
    ...partitions.values(),
  ])
})

test('a row without a partition is no refused value: the partition is made, and it is written', async () => {
  const { db, ledger, ids } = await scene()
  const lane = await take(ledger, 0)
  const { id, batch: asked } = aged(lane, ids.versionId, -30, true)
  assert.equal((await ledger.commit(asked)).passed.size, 1)
  assert.deepEqual(await db.query('select id from millrace.transactions'), [{ id }])
  const far = aged(lane, ids.versionId, -90, true)
  await assert.rejects(ledger.commit(far.batch), {
    code: 'ledger_outage',
    retryable: true,
    message: /days ahead of Postgres/,
  })
})

test('a CHECK that fails is still a refused value', async () => {
  const { ledger, ids } = await scene()
  const lane = await take(ledger, 0)
  const wrong = transaction(lane, ids.versionId, 1, { offset: -1 })
  await assert.rejects(ledger.commit(batch([progress(lane)], { transactions: [wrong] })), { code: 'ledger_refused' })
})

test('what is old goes; what is open, parked, or ended since stays with all that it needs', async () => {
  count = 0
  const { db, ledger, ids } = await scene()
  await sinceDaysAgo(db, 60)
  const lane = await take(ledger, 0)
  const old = [50, 49, 48].map((days) => aged(lane, ids.versionId, days, true))
  const open = aged(lane, ids.versionId, 48, false)
  const late = aged(lane, ids.versionId, 47, true)
  const fresh = aged(lane, ids.versionId, 5, true)
  for (const each of [...old, open, late, fresh]) await ledger.commit(each.batch)
  await db.query('update millrace_data.ending set ended_at = now() where transaction_id = $1', [late.id])
  const before = await ledger.load([open.id])

  const dry = await prune(connections(db), { keepMs: 30 * dayMs, dryRun: true })
  assert.equal(
    dry.dropped.reduce((sum, each) => sum + (each.transactions ?? 0), 0),
    3,
  )
  assert.equal(await rowsOf(db, 'transaction'), 6)

  const report = await prune(connections(db), { keepMs: 30 * dayMs, dryRun: false })
  assert.equal(report.problem, null)
  assert.deepEqual(
    report.dropped.flatMap((each) => each.kept),
    [
      { id: open.id, why: 'running' },
      { id: late.id, why: 'ended_lately' },
    ],
  )
  for (const { took } of report.dropped) assert.ok(took && took.lockMs + took.dropMs < 1000)
  const left = await db.query<{ id: string }>('select id from millrace.transactions order by kafka_offset')
  assert.deepEqual(
    left.map(({ id }) => id),
    [open.id, late.id, fresh.id],
  )
  assert.equal(await rowsOf(db, 'attempt'), 3)
  assert.deepEqual(await ledger.load([open.id]), before)
  assert.equal(await rowsOf(db, 'transaction_attic'), 2)

  const [{ to } = { to: null }] = await db.query<{ to: string }>(
    'select pruned_to as to from millrace.lanes where pruned_to is not null',
  )
  assert.equal(Number(to), 3)
  // It goes on where it stands, and goes when it has ended and that is long ago.
  const end = ending(lane, 0, { transactionId: open.id, endedUs: nowMs * 1000 })
  await ledger.commit(batch([progress(lane, 6)], { commitId: commitAt(nowMs) + 1n, endings: [end] }))
  await prune(connections(db), { keepMs: 30 * dayMs, dryRun: false })
  assert.equal(await rowsOf(db, 'transaction_attic'), 2)
  await db.query(`update millrace_data.ending set ended_at = now() - interval '31 days'`)
  const again = await prune(connections(db), { keepMs: 30 * dayMs, dryRun: false })
  assert.equal(again.rows?.transactions, 2)
  assert.equal(await rowsOf(db, 'attempt'), 1)
  const next = await take(ledger, 0)
  assert.deepEqual(next.open, [])
})

/** Ended, and of so many days ago; called by another one, which lies beside it. */
function calledBy(lane: OpenedLane, versionId: number, parentId: string, ended: boolean) {
  const made = aged(lane, versionId, 0, ended)
  const id = `${parentId.slice(0, 14)}8000-9000-${made.id.slice(24)}`
  const parent = { id: parentId, step: 0, item: '' }
  const { transactions: admitted, attempts, endings } = made.batch
  return {
    id,
    batch: {
      ...made.batch,
      transactions: admitted.map((row) => ({ ...row, id, parent })),
      attempts: attempts.map((row) => ({ ...row, transactionId: id })),
      endings: endings.map((row) => ({ ...row, transactionId: id, endedUs: (nowMs - 40 * dayMs) * 1000 })),
    },
  }
}

test('who was called stays as long as its caller, and that as long as whom it called; so do theirs', async () => {
  count = 0
  const { db, ledger, ids } = await scene()
  await sinceDaysAgo(db, 60)
  const lane = await take(ledger, 0)
  const open = aged(lane, ids.versionId, 50, false)
  const child = calledBy(lane, ids.versionId, open.id, true)
  const grandchild = calledBy(lane, ids.versionId, child.id, true)
  const done = aged(lane, ids.versionId, 49, true)
  const doneChild = calledBy(lane, ids.versionId, done.id, true)
  const early = aged(lane, ids.versionId, 48, true)
  const openChild = calledBy(lane, ids.versionId, early.id, false)
  for (const each of [open, child, grandchild, done, doneChild, early, openChild]) await ledger.commit(each.batch)
  const report = await prune(connections(db), { keepMs: 30 * dayMs, dryRun: false })
  const kept = report.dropped.flatMap((each) => each.kept).map(({ id, why }) => `${id} ${why}`)
  const expected = [`${open.id} running`, `${child.id} related`, `${grandchild.id} related`]
  assert.deepEqual(kept.toSorted(), [...expected, `${early.id} related`, `${openChild.id} running`].toSorted())
  assert.equal((await ledger.load([open.id]))[0]?.ended, null)

  // Its caller first, then whom that called.
  await ledger.commit(
    batch([progress(lane, 20)], {
      commitId: commitAt(nowMs) + 77n,
      endings: [open, openChild].map(({ id }) =>
        ending(lane, 0, { transactionId: id, endedUs: (nowMs - 31 * dayMs) * 1000 }),
      ),
    }),
  )
  const counts: (number | undefined)[] = []
  for (let run = 0; run < 3; run++) {
    counts.push((await prune(connections(db), { keepMs: 30 * dayMs, dryRun: false })).rows?.transactions)
  }
  assert.deepEqual(counts, [2, 2, 1])
  assert.equal(await rowsOf(db, 'transaction'), 0)
})

test('balances stay as they are when their postings go, and count the postings that stay', async () => {
  count = 0
  const { db, ledger, ids } = await scene()
  await sinceDaysAgo(db, 60)
  const lane = await take(ledger, 0)
  const all = [
    aged(lane, ids.versionId, 50, true),
    aged(lane, ids.versionId, 50, false),
    aged(lane, ids.versionId, 5, true),
  ]
  for (const [n, { id, batch: rows }] of all.entries()) {
    const posting = {
      ...{ laneId: lane.laneId, transactionId: id, step: 0, item: '', attempt: 1, n: 0, debit: 'a', credit: 'b' },
      ...{
        amount: BigInt(10 ** n),
        currency: 'EUR',
        party: null,
        chargeKey: `k${n}`,
        reverses: null,
        atUs: rows.sentUs,
      },
    }
    await ledger.commit({ ...rows, postings: [posting] })
  }
  const balances = () => db.query('select account, balance from millrace.accounts order by 1')
  const before = [
    { account: 'a', balance: '-111' },
    { account: 'b', balance: '111' },
  ]
  assert.deepEqual(await balances(), before)
  for (let run = 0; run < 2; run++) {
    const { problem, rows } = await prune(connections(db), { keepMs: 30 * dayMs, dryRun: false })
    assert.deepEqual([problem, rows?.charges], [null, run === 0 ? 1 : 0])
    assert.deepEqual(await balances(), before)
    assert.equal(await rowsOf(db, 'posting'), 2)
  }
  await assert.rejects(db.query(`select * from millrace.accounts_at(now() - interval '55 days')`), /were pruned/)
  const [, open] = all
  const end = ending(lane, 0, { transactionId: open?.id as string, endedUs: (nowMs - 31 * dayMs) * 1000 })
  await ledger.commit(batch([progress(lane, 6)], { commitId: commitAt(nowMs) + 78n, endings: [end] }))
  assert.equal((await prune(connections(db), { keepMs: 30 * dayMs, dryRun: false })).rows?.transactions, 1)
  assert.deepEqual([await balances(), await rowsOf(db, 'posting')], [before, 1])
})

test('an event that is kept for longer than all else stays until nobody finds it', async () => {
  const { db, ledger, ids } = await scene()
  await sinceDaysAgo(db, 60)
  const lane = await take(ledger, 0)
  const signal = (days: number, keepDays: number, n: number) => {
    const atUs = (nowMs - days * dayMs) * 1000
    const id = idOfMoment(nowMs - days * dayMs, n)
    const rest = { workflowId: ids.workflowId, offset: n, key: 'k', take: 'all' as const, text: '{}' }
    return { laneId: lane.laneId, id, ...rest, atUs, receivedUs: atUs, keepUntilUs: atUs + keepDays * dayMs * 1000 }
  }
  const signals = [signal(50, 1, 1), signal(45, 60, 2), signal(44, 1, 3)]
  await ledger.commit(batch([progress(lane, 9)], { commitId: commitAt(nowMs) + 79n, signals }))
  assert.equal((await prune(connections(db), { keepMs: 30 * dayMs, dryRun: false })).problem, null)
  const left = await db.query<{ n: string }>('select kafka_offset as n from millrace.signals order by 1')
  assert.deepEqual(
    left.map(({ n }) => n),
    ['2', '3'],
  )
})

test('what is opened while it looks is seen under the lock', async () => {
  const { db, ledger, ids } = await scene()
  await sinceDaysAgo(db, 40)
  const lane = await take(ledger, 0)
  const old = aged(lane, ids.versionId, 39, true)
  await ledger.commit(old.batch)
  const late = aged(lane, ids.versionId, 39, false)
  // A coordinator whose clock is weeks behind, between the look and the lock.
  const db1 = connections(db)
  let times = 0
  const racing = {
    ...db1,
    async query(statement: Parameters<typeof db1.query>[0]) {
      if (statement.text.includes('access exclusive') && times++ === 0) await ledger.commit(late.batch)
      return db1.query(statement)
    },
  } as typeof db1
  const report = await prune(racing, { keepMs: 30 * dayMs, dryRun: false })
  assert.deepEqual(
    report.dropped.flatMap((each) => each.kept),
    [{ id: late.id, why: 'running' }],
  )
  assert.deepEqual(
    (await db.query<{ id: string }>('select id from millrace.transactions')).map(({ id }) => id),
    [late.id],
  )
  assert.ok(times >= 2)
})

test('a partition that somebody reads is tried again, and nobody waits behind for long', async () => {
  const { db, ledger, ids } = await scene()
  await sinceDaysAgo(db, 40)
  const lane = await take(ledger, 0)
  await ledger.commit(aged(lane, ids.versionId, 39, true).batch)
  const reader = connections(db)
  await reader.query({ text: 'begin' })
  await reader.query({ text: 'select count(*) from millrace_data.transaction' })
  const pruning = prune(connections(db), { keepMs: 30 * dayMs, dryRun: false })
  let slowestMs = 0
  for (let at = 0; at < 100; at++) {
    const startedMs = performance.now()
    await ledger.commit(aged(lane, ids.versionId, 0, true).batch)
    slowestMs = Math.max(slowestMs, performance.now() - startedMs)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await reader.query({ text: 'commit' })
  const report = await pruning
  assert.equal(report.problem, null)
  assert.ok(slowestMs < 1000, `a commit waited for ${slowestMs} ms`)
  assert.equal(await rowsOf(db, 'transaction'), 100)
})

test('the first partition goes like any other; what an older version writes then lands in the attic', async () => {
  const { db, ledger, ids } = await scene()
  await firstEnds(db, Math.floor(nowMs / dayMs - 40) * dayMs)
  const lane = await take(ledger, 0)
  const old = aged(lane, ids.versionId, 45, true)
  const legacy = (session: bigint, n: bigint) => (session << 32n) + n
  await ledger.commit({ ...old.batch, commitId: legacy(7n, 1n) })
  const report = await prune(connections(db), { keepMs: 30 * dayMs, dryRun: false })
  assert.equal(report.dropped[0]?.tables[0], 'transaction_first')
  assert.ok(report.dropped.some(({ tables }) => tables[0] === 'commit_first'))
  assert.equal(await rowsOf(db, 'transaction'), 0)
  const late = aged(lane, ids.versionId, 0, true)
  assert.equal((await ledger.commit({ ...late.batch, commitId: legacy(7n, 2n) })).passed.size, 1)
  assert.deepEqual(await db.query('select id from millrace_data.commit_attic'), [{ id: String(legacy(7n, 2n)) }])
  assert.deepEqual((await ledger.settle({ ...late.batch, commitId: legacy(7n, 2n) })).landed?.passed.size, 1)
})

test('two at once: the second says that another runs', async () => {
  const { db } = await scene()
  const [one, two] = [connections(db), connections(db)]
  await one.query({ text: `select pg_advisory_lock(${0x6d696c6c7263})` })
  await assert.rejects(prune(two, { keepMs: 30 * dayMs, dryRun: false }), { code: 'prune_running' })
})

test('what a killed run took out and did not drop is dropped by the next', async () => {
  const { db } = await scene()
  await sinceDaysAgo(db, 5)
  const { partitions } = await readRoom(connections(db))
  const suffix = partitions.values().next().value?.[1]?.suffix
  await db.query(`alter table millrace_data.transaction detach partition millrace_data.transaction_${suffix}`)
  const report = await prune(connections(db), { keepMs: 300 * dayMs, dryRun: false })
  assert.deepEqual(report.leftovers, [`transaction_${suffix}`])
})
