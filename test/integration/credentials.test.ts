/**
 * Credentials in headers reach the step that asks for them, also after a restart, and nobody else: not the ledger in the
 * clear, not the logs, whatever goes wrong with the record or the transaction.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import type { RunningCoordinator } from '../support/coordinator.ts'
import { cloudEvent } from '../support/kafka.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, unique } from '../support/servers.ts'

/** One for each header, so that a leak tells where it comes from. */
const canaries = {
  authorization: `Bearer ${canary()}`,
  'X-API-Key': canary(),
  cookie: `session=${canary()}`,
  'Proxy-Authorization': canary(),
}

/** A way for a record with credentials to go wrong, by the type of its event. */
const wrong: Readonly<Record<string, { key?: string; when?: string; with?: string; value?: string }>> = {
  bad_json: { value: '{"half": ' },
  bad_key: { key: 'int(event.auth.authorization)' },
  bad_key_time: { key: 'string(timestamp(event.auth["x-api-key"]))' },
  bad_key_index: { key: 'string(event.data[event.auth["x-api-key"]])' },
  bad_when: { when: 'duration(event.auth.authorization) > duration("1s")' },
  bad_when_type: { when: 'dyn(event.auth["x-api-key"])' },
  bad_with: { with: 'double(event.auth["x-api-key"])' },
  bad_with_index: { with: 'event.data[event.auth["x-api-key"]]' },
  bad_input: { with: 'event.auth["x-api-key"]' },
}

const { name: topic, producer } = await freshTopic(1)
const sealed = { MILLRACE_SEAL_KEY: canary(), MILLRACE_LOG_LEVEL: 'debug' }
const scene = await freshScene(
  {
    'asks.yaml': asks('asks', 0),
    'waits.yaml': asks('waits', 1500),
    ...Object.fromEntries(Object.keys(wrong).map((type) => [`${type}.yaml`, goesWrong(type)])),
    'functions/ask.ts': `
import { createHash } from 'node:crypto'
import { defineFunction, retry, z } from 'millrace'
export default defineFunction({
  input: z.object({ token: z.string(), key: z.string(), missing: z.null(), waitMs: z.number() }),
  run({ input: { token, key, waitMs }, context }) {
    if (waitMs > 0 && context.attempt === 1) return retry('later', 'after a while', { afterMs: waitMs })
    return { hash: createHash('sha256').update(token + key).digest('hex') }
  },
})`,
    'functions/refuse.ts': `
import { defineFunction, z } from 'millrace'
export default defineFunction({
  input: z.union([z.literal('one'), z.object({ n: z.number() }), z.email()]),
  run: () => null,
})`,
  },
  sealed,
)
const coordinators: RunningCoordinator[] = [scene.start()]
const types = ['asks', 'waits', ...Object.keys(wrong)]
await producer.send({
  topic,
  messages: types.map((type) => ({
    value: wrong[type]?.value ?? '{}',
    headers: { ...cloudEvent(type, type), ...canaries, 'x-plain': 'seen' },
  })),
})

test('credentials reach the step that asks for them', async () => {
  await scene.ended(1, { workflow: 'asks' })
  assert.deepEqual(await outputOf('asks'), { hash: expected() })
})

test('they survive a restart, and open with the same key alone', async () => {
  await scene.until('the delay', `select count(*) = 1 from millrace.steps where state = 'waiting'`)
  await terminate(coordinators[0] as RunningCoordinator)
  const other = scene.start({ MILLRACE_SEAL_KEY: 'another' })
  coordinators.push(other)
  await until('a message', () => /"level":"error".*cannot be opened with this seal key/.test(other.logs()), {
    forMs: 20_000,
  })
  await terminate(other)
  coordinators.push(scene.start())
  await scene.ended(1, { workflow: 'waits' })
  assert.deepEqual(await outputOf('waits'), { hash: expected() })
})

test('whatever else goes wrong with them is told without them', async () => {
  const dead = Object.keys(wrong).filter((type) => type === 'bad_json' || wrong[type]?.key !== undefined)
  await scene.ended(types.length - dead.length)
  await terminate(coordinators.at(-1) as RunningCoordinator)
  const letters = await scene.ledger.query<{ event: string; code: string; headers: object }>(
    `select headers ->> 'ce_id' as event, code, headers from millrace.dead_letters`,
  )
  assert.deepEqual(new Set(letters.map((row) => row.event)), new Set(dead))
  assert.ok(letters.every((row) => 'x-plain' in row.headers))
  const [kept] = await scene.ledger.query(
    `select count(auth)::int as auth, (select count(sealed)::int from millrace_data.dead_letter) as sealed
     from millrace_data.transaction`,
  )
  assert.deepEqual(kept, { auth: types.length - dead.length, sealed: letters.length })
  const failed = await scene.ledger.query<{ workflow: string; code: string }>(
    `select workflow, error_code as code from millrace.attempts where outcome = 'fail' order by 1`,
  )
  assert.deepEqual(failed, [
    { workflow: 'bad_input', code: 'invalid_input' },
    { workflow: 'bad_when', code: 'expression_failed' },
    { workflow: 'bad_when_type', code: 'expression_failed' },
    { workflow: 'bad_with', code: 'expression_failed' },
    { workflow: 'bad_with_index', code: 'expression_failed' },
  ])
})

test('they are in no column of the ledger, in no form', async () => {
  const cells = await everyCell()
  assert.ok(cells.length > 200 && cells.some(({ text }) => text.includes('seen')), 'the ledger was not read')
  const found = cells.flatMap(({ place, text }) => leaks(text).map((header) => `${header} in ${place}: ${text}`))
  assert.deepEqual(found, [])
})

test('they are in no log', () => {
  for (const { logs } of coordinators) {
    assert.ok(logs().includes('"level":"debug"'))
    assert.deepEqual(
      logs()
        .split('\n')
        .filter((line) => leaks(line).length > 0),
      [],
    )
  }
})

function canary(): string {
  return unique(`canary${randomBytes(12).toString('hex')}`)
}

function expected(): string {
  return createHash('sha256')
    .update(canaries.authorization + canaries['X-API-Key'])
    .digest('hex')
}

/** Headers whose value is in the text, or a piece of it long enough to tell, plain, as hex, or as base64. */
function leaks(text: string): string[] {
  return Object.entries(canaries).flatMap(([header, value]) => {
    const secret = /canary(\w{16})/.exec(value)?.[1] ?? ''
    const forms = [secret, Buffer.from(secret).toString('hex'), ...base64Pieces(secret)]
    return forms.some((form) => text.toLowerCase().includes(form.toLowerCase())) ? [header] : []
  })
}

/** Wherever in a longer text it begins: what all such texts have in common. */
function base64Pieces(secret: string): string[] {
  return [0, 1, 2].map((before) =>
    Buffer.from(' '.repeat(before) + secret)
      .toString('base64')
      .slice(4, -6),
  )
}

/** Every value of every table of the database, as text; bytes as hex. */
async function everyCell(): Promise<{ place: string; text: string }[]> {
  const columns = await scene.ledger.query<{ place: string; sql: string }>(
    `select format('%s.%s.%s', table_schema, table_name, column_name) as place,
            format('select %I::text as text from %I.%I where %I is not null', column_name, table_schema, table_name, column_name) as sql
     from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema')`,
  )
  const cells: { place: string; text: string }[] = []
  for (const { place, sql } of columns) {
    const rows = await scene.ledger.query<{ text: string }>(sql)
    cells.push(...rows.map(({ text }) => ({ place, text })))
  }
  return cells
}

async function outputOf(workflow: string): Promise<unknown> {
  const [row] = await scene.ledger.query(
    `select output from millrace.attempts where workflow = $1 and outcome = 'ok'`,
    [workflow],
  )
  return row?.output
}

function asks(type: string, waitMs: number): string {
  return `
name: ${type}
on: { kafka: { topic: ${topic}, type: ${type} } }
steps:
  - id: ask
    uses: ask
    with:
      token: \${{ event.auth.authorization }}
      key: \${{ event.auth["x-api-key"] }}
      missing: \${{ event.meta.?authorization }}
      waitMs: ${waitMs}
`
}

function goesWrong(type: string): string {
  const { key, when = 'true', with: input = 'null' } = wrong[type] ?? {}
  return `
name: ${type}
on: { kafka: { topic: ${topic}, type: ${type} } }
${key === undefined ? '' : `key: '${key}'`}
steps:
  - { id: refuse, uses: refuse, when: '${when}', with: '\${{ ${input} }}', retry: { attempts: 1 } }
`
}
