/** Idempotency keys in a real ledger: who has one, who waits, who takes over, and when they go. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { connect } from '../../src/ledger/connect.ts'
import { openDoorLedger } from '../../src/ledger/door/open.ts'
import { tidy } from '../../src/ledger/tidy.ts'
import { atEnd } from '../support/at-end.ts'
import { freshLedger } from '../support/servers.ts'

const ledger = await freshLedger()
const settings = { databaseUrl: ledger.databaseUrl, connectionsMax: 3, answerMsMax: 10_000 }
const door = openDoorLedger({ ...settings, engine: 'engine' })
atEnd(() => door.stop())

const place = { partition: 2, offset: 1042 }
const digest = (text: string) => Buffer.from(text.padEnd(32, '.'))
const claimOf = (key: string, text = 'same') => ({ key, digest: digest(text), owner: randomUUID() })
const claim = async (key: string, text?: string) => (await door.claim([claimOf(key, text)]))[0]

test('the first has it, the next one waits, and gets what the first has come to', async () => {
  const [key, id] = [randomUUID(), randomUUID()]
  const first = claimOf(key)
  assert.deepEqual(await door.claim([first]), [{ is: 'ours', again: false }])
  assert.deepEqual(await claim(key), { is: 'busy' })
  assert.deepEqual(await claim(key, 'other'), { is: 'other_request' })
  await door.claimed([{ key, owner: first.owner, id, place }])
  assert.deepEqual(await claim(key), { is: 'done', id, place })
  assert.deepEqual(await claim(key, 'other'), { is: 'other_request' })
})

test('of many at once, for many keys, each key has one', async () => {
  const keys = Array.from({ length: 20 }, () => randomUUID())
  const asked = Array.from({ length: 5 }, () => door.claim(keys.map((key) => claimOf(key))))
  const answers = await Promise.all(asked)
  for (const at of keys.keys()) {
    const ours = answers.filter((each) => each[at]?.is === 'ours')
    assert.equal(ours.length, 1, keys[at])
    assert.ok(answers.every((each) => ['ours', 'busy'].includes(each[at]?.is ?? '')))
  }
})

test('who was lost is taken over after half a minute, who gave up at once, and neither says the last word', async () => {
  const [lost, left] = [claimOf(randomUUID()), claimOf(randomUUID())]
  await door.claim([lost, left])
  await ledger.query(`update millrace_data.http_key set claimed_at = now() - interval '31 seconds' where key = $1`, [
    lost.key,
  ])
  await door.abandon([left])
  for (const { key, owner } of [lost, left]) {
    assert.deepEqual(await claim(key, 'other'), { is: 'other_request' }, 'of the same request alone')
    const next = claimOf(key)
    assert.deepEqual(await door.claim([next]), [{ is: 'ours', again: true }])
    await door.claimed([{ key, owner, id: randomUUID(), place }])
    assert.deepEqual(await claim(key), { is: 'busy' }, 'what the lost one says late is not heard')
    const id = randomUUID()
    await door.claimed([{ key, owner: next.owner, id, place }])
    assert.deepEqual(await claim(key), { is: 'done', id, place })
    await door.abandon([next])
    assert.deepEqual(await claim(key), { is: 'done', id, place }, 'what is done stays so')
  }
})

test('a key whose time is over is anybody’s, and goes', async () => {
  const old = claimOf(randomUUID())
  await door.claim([old])
  await door.claimed([{ key: old.key, owner: old.owner, id: randomUUID(), place }])
  const expire = () =>
    ledger.query(`update millrace_data.http_key set keep_until = now() - interval '1 second' where key = $1`, [old.key])
  await expire()
  assert.equal((await claim(old.key, 'other'))?.is, 'ours')
  await expire()
  const db = connect(settings)
  await tidy(db, { engine: 'engine', owner: 'o', leaseMs: 1, handoverMs: 1, keepPublishedMs: 1 })
  await db.end()
  assert.deepEqual(await ledger.query('select key from millrace_data.http_key where key = $1', [old.key]), [])
})

test('what is not there is said to be written, and no more', async () => {
  const from = { workflow: 'w', topic: 't', incarnation: 'i', ...place }
  assert.deepEqual(await door.standing([{ id: randomUUID(), after: null, from }]), [{ is: 'written' }])
  assert.deepEqual(await door.standing([]), [])
  assert.equal((await door.stories([randomUUID()])).size, 0)
  assert.equal(await door.sourceOf('0'.repeat(64)), null)
  assert.equal((await door.full(['t'])).size, 0)
})
