/**
 * Records that cannot become a transaction: each is a dead letter with its own bytes, or passed, and the partition goes
 * on. Two workflows read the topic, and for each of them every offset is accounted for exactly once.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { assertAccounted, heldSpans, unaccounted } from '../support/accounted.ts'
import { cloudEvent, freshAdmin } from '../support/kafka.ts'
import { freshScene } from '../support/scene.ts'
import { freshTopic, unique } from '../support/servers.ts'

/** What a record becomes for a workflow: `transaction`, the code of a dead letter, or the reason of a passed offset. */
interface Case {
  readonly name: string
  readonly value: Buffer | string | null
  readonly key?: Buffer | string | null
  readonly headers?: Record<string, Buffer | string>
  /** For `all`, which takes every event. */
  readonly all: string
  /** For `typed`, which takes `shop.order` and has a key of its own. */
  readonly typed: string
}

const valueBytesMax = 65_536
const order = JSON.stringify({ customer: 'anna', n: 1 })
const typed = cloudEvent('shop.order', 'order-1')
const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' }
const envelope = { specversion: '1.0', id: 's-1', source: '/test', type: 'shop.order' }

const cases: readonly Case[] = [
  { name: 'plain JSON', value: order, all: 'transaction', typed: 'other_type' },
  { name: 'a CloudEvent', value: order, headers: typed, all: 'transaction', typed: 'transaction' },
  {
    name: 'a CloudEvent of another type',
    value: order,
    headers: cloudEvent('shop.return', 'return-1'),
    all: 'transaction',
    typed: 'other_type',
  },
  {
    name: 'a structured CloudEvent',
    value: JSON.stringify({ ...envelope, data: { customer: 'bert' } }),
    headers: structured,
    all: 'transaction',
    typed: 'transaction',
  },
  ...deadForAll('not JSON', 'value_not_json', '{"customer": '),
  ...deadForAll('no bytes at all', 'value_not_json', Buffer.alloc(0)),
  ...deadForAll('broken UTF-8', 'value_not_utf8', Buffer.from([0x22, 0xc3, 0x28, 0x22])),
  ...deadForAll('compressed by its author', 'value_not_utf8', gzipSync(order)),
  ...deadForAll('null', 'value_null', null),
  ...deadForAll('oversize', 'value_too_large', JSON.stringify('x'.repeat(valueBytesMax))),
  ...deadForAll('NUL in JSON', 'value_unstorable', '{"customer": "an\\u0000na"}'),
  ...deadForAll('half a character', 'value_unstorable', '{"customer": "\\ud800"}'),
  ...deadForAll('deep nesting', 'value_unstorable', `${'['.repeat(20_000)}${']'.repeat(20_000)}`),
  {
    name: 'deep nesting in a structured CloudEvent',
    value: `${JSON.stringify(envelope).slice(0, -1)},"data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    headers: structured,
    all: 'value_unstorable',
    typed: 'value_unstorable',
  },
  {
    name: 'deep nesting beside a long number',
    value: `[${'['.repeat(20_000)}${']'.repeat(20_000)},12345678901234567890]`,
    all: 'value_unstorable',
    typed: 'value_unstorable',
  },
  {
    name: 'NUL in the key',
    value: order,
    key: Buffer.from('an\0na'),
    all: 'transaction',
    typed: 'other_type',
  },
  {
    name: 'a key that is no text',
    value: order,
    key: Buffer.from([0xff, 0xfe]),
    all: 'transaction',
    typed: 'other_type',
  },
  {
    name: 'a CloudEvent without an id',
    value: order,
    headers: { ce_specversion: '1.0', ce_type: 'shop.order', ce_source: '/test' },
    all: 'cloudevent_invalid',
    typed: 'cloudevent_invalid',
  },
  {
    name: 'a CloudEvent of no time',
    value: order,
    headers: { ...typed, ce_time: 'yesterday' },
    all: 'cloudevent_invalid',
    typed: 'cloudevent_invalid',
  },
  {
    name: 'a structured CloudEvent that is a list',
    value: '[1]',
    headers: structured,
    all: 'cloudevent_invalid',
    typed: 'cloudevent_invalid',
  },
  {
    name: 'no customer for the key',
    value: '{"n": 1}',
    headers: cloudEvent('shop.order', 'order-2'),
    all: 'transaction',
    typed: 'expression_failed',
  },
  {
    name: 'a key that is a fraction',
    value: '{"customer": 1.5}',
    headers: cloudEvent('shop.order', 'order-3'),
    all: 'transaction',
    typed: 'expression_failed',
  },
  {
    name: 'a header that is no text, beside bytes that are no JSON',
    value: 'lost',
    headers: { trace: Buffer.from([0xff]), plain: 'seen' },
    all: 'value_not_json',
    typed: 'value_not_json',
  },
  {
    name: 'a name that comes twice, beside a long number',
    value: '{"a": 1, "a": 2, "n": 12345678901234567890}',
    all: 'transaction',
    typed: 'other_type',
  },
  {
    name: 'brackets in a text',
    value: JSON.stringify(`"\\${'['.repeat(500)}`),
    all: 'transaction',
    typed: 'other_type',
  },
  { name: 'plain JSON after all that', value: order, all: 'transaction', typed: 'other_type' },
]

function deadForAll(name: string, code: string, value: Buffer | string | null): Case[] {
  return [
    { name, value, all: code, typed: code },
    { name: `${name}, as a CloudEvent`, value, headers: typed, all: code, typed: code },
  ]
}

const topic = unique('records')
const workflows = ['all', 'typed']
const files = {
  'all.yaml': `
name: all
on: { kafka: ${topic} }
steps:
  - { id: note, uses: note, with: '\${{ event.data }}' }
`,
  'typed.yaml': `
name: typed
on: { kafka: { topic: ${topic}, type: shop.order } }
key: event.data.customer
steps:
  - { id: note, uses: note, with: '\${{ event.data }}' }
`,
  'functions/note.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => ({ noted: input }) })`,
}

const { producer } = await freshTopic(1, topic)
const scene = await freshScene(files, { MILLRACE_VALUE_BYTES_MAX: String(valueBytesMax) })
scene.start()
const messages = cases.map(({ value, key = null, headers = {} }) => ({ value: bytesOf(value), key, headers }))
await producer.send({ topic, messages })
await scene.until('the partition to be read', `select next_offset >= ${cases.length} from millrace.lanes`)

for (const [offset, { name, all, typed }] of cases.entries()) {
  test(`${name}: ${all}, ${typed}`, async () => {
    assert.deepEqual(await became('all', offset), [all])
    assert.deepEqual(await became('typed', offset), [typed])
  })
}

test('a dead letter has the bytes of its record', async () => {
  const rows = await scene.ledger.query<{ at: number; key: Buffer | null; value: Buffer | null; headers: object }>(
    'select kafka_offset::int as at, key, value, headers from millrace.dead_letters order by 1',
  )
  const dead = rows.map(({ at }) => cases[at] as Case)
  assert.ok(rows.length > 20)
  assert.deepEqual(
    rows.map((row) => row.value),
    dead.map((each) => bytesOf(each.value)),
  )
  assert.deepEqual(
    rows.map((row) => row.key),
    dead.map((each) => (each.key === undefined ? null : each.key)),
  )
  const odd = rows.find(({ at }) => cases[at]?.value === 'lost')
  assert.deepEqual(odd?.headers, { trace: { base64: '/w==' }, plain: 'seen' })
})

test('a dead letter says why in a sentence, and stands open', async () => {
  const rows = await scene.ledger.query<{ reason: string; state: string }>(
    'select reason, state from millrace.dead_letters',
  )
  assert.deepEqual(
    rows.filter(({ reason, state }) => reason.length < 20 || /\bat \S+:\d+/.test(reason) || state !== 'open'),
    [],
  )
})

test('every offset is accounted for once for each workflow', async () => {
  await scene.ended(cases.filter((each) => each.all === 'transaction').length, { workflow: 'all' })
  const spans = await heldSpans(await freshAdmin(), topic)
  assert.equal(spans[0]?.to, cases.length)
  await assertAccounted(scene.ledger, topic, workflows, spans)
  const [row] = await scene.ledger.query('select next_offset::int as next from millrace.lanes')
  assert.deepEqual(row, { next: cases.length })
})

test('the oracle sees what is missing, what is doubled and what is strange', async () => {
  const { ledger } = scene
  const spans = [{ partition: 0, from: 0, to: cases.length }]
  const longer = [{ partition: 0, from: 0, to: cases.length + 1 }]
  assert.deepEqual(await unaccounted(ledger, topic, ['all'], longer), [
    `all 0/${cases.length}: nothing`,
    ...(await unaccounted(ledger, topic, ['all'], spans)),
  ])
  assert.match((await unaccounted(ledger, topic, ['all'], spans)).join(), /^typed 0\/0: other_type, unexpected/)
  await ledger.query('create table doubled as select * from millrace_data.passed limit 1')
  await ledger.query('insert into millrace_data.passed select * from doubled')
  assert.deepEqual(await unaccounted(ledger, topic, workflows, spans), ['typed 0/0: other_type, other_type'])
  await ledger.query(
    'delete from millrace_data.passed where ctid = (select max(ctid) from millrace_data.passed where from_offset = 0)',
  )
})

async function became(workflow: string, offset: number): Promise<string[]> {
  const rows = await scene.ledger.query<{ what: string }>(
    `
select 'transaction' as what from millrace.transactions where workflow = $1 and kafka_offset = $2
union all select code from millrace.dead_letters where coalesce(workflow, $1) = $1 and kafka_offset = $2
union all select reason from millrace.passed_offsets where workflow = $1 and $2 between from_offset and to_offset`,
    [workflow, offset],
  )
  return rows.map((row) => row.what)
}

function bytesOf(value: Buffer | string | null): Buffer | null {
  return typeof value === 'string' ? Buffer.from(value) : value
}
