/** What a failed statement means: by the server's own codes, and by its silence. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, test } from 'node:test'
import { type Connections, connect } from '../../src/ledger/connect.ts'
import { freshLedger } from '../support/servers.ts'

const raise = (state: string) => `do $$ begin raise exception 'made' using errcode = '${state}'; end $$`

/** statement, code, retryable, ambiguous */
const cases: readonly [string, string, string, boolean, boolean][] = [
  ['a value that does not fit', `select 'x'::int`, 'ledger_refused', false, false],
  ['a NUL', `select convert_from('\\x00', 'utf8')`, 'ledger_refused', false, false],
  ['a value beyond a limit of the program', raise('54000'), 'ledger_refused', false, false],
  ['a number out of range', `select 100000::int2`, 'ledger_refused', false, false],
  ['a broken CHECK', `insert into millrace_data.engine (name) values ('')`, 'ledger_refused', false, false],
  ['a serialization failure', raise('40001'), 'ledger_conflict', true, false],
  ['a deadlock', raise('40P01'), 'ledger_conflict', true, false],
  ['a table that is not there', 'select * from nowhere', 'ledger_broken', false, false],
  ['too many connections', raise('53300'), 'ledger_outage', true, false],
  ['a full disk', raise('53100'), 'ledger_outage', true, false],
  ['a server that went read-only', raise('25006'), 'ledger_outage', true, false],
  ['a session ended by an administrator', 'select pg_terminate_backend(pg_backend_pid())', 'ledger_outage', true, true],
  ['a server that shuts down', raise('57P01'), 'ledger_outage', true, true],
  ['a connection failure', raise('08006'), 'ledger_outage', true, true],
]

test('every class of failure', async (t) => {
  const { databaseUrl } = await freshLedger()
  const db = connect({ databaseUrl, connectionsMax: 2, answerMsMax: 5000 })
  after(() => db.end())
  for (const [name, text, code, retryable, ambiguous] of cases) {
    await t.test(`${name} is ${code}`, async () => void (await fails(db, text, { code, retryable, ambiguous })))
  }
  assert.deepEqual(await db.query({ text: 'select 1 as one' }), [{ one: 1 }])
})

test('no answer within the limit is an outage of which nobody knows', async () => {
  const { databaseUrl } = await freshLedger()
  const db = connect({ databaseUrl, connectionsMax: 1, answerMsMax: 100 })
  after(() => db.end())
  await fails(db, 'select pg_sleep(1)', { code: 'ledger_outage', retryable: true, ambiguous: true })
})

test('nobody there, and somebody who hangs up: an outage that names the address and no password', async () => {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const databaseUrl = `postgres://me:secret@127.0.0.1:${port}/ledger`
  const db = connect({ databaseUrl, connectionsMax: 1, answerMsMax: 1000 })
  const expected = { code: 'ledger_outage', retryable: true, ambiguous: true }
  const hungUp = await fails(db, 'select 1', expected)
  await new Promise((resolve) => server.close(resolve))
  const refused = await fails(db, 'select 1', expected)
  for (const { message } of [hungUp, refused]) {
    assert.ok(message.includes(`127.0.0.1:${port}/ledger`), message)
    assert.ok(!message.includes('secret'), message)
  }
  await db.end()
})

async function fails(db: Connections, text: string, expected: Record<string, unknown>): Promise<Error> {
  const error = await db.query({ text }).then(
    () => assert.fail('it did not fail'),
    (thrown) => thrown,
  )
  const { code, retryable, details } = error
  assert.deepEqual({ code, retryable, ambiguous: details.ambiguous }, expected, error.message)
  return error
}
