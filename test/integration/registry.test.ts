// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/** Avro, Protobuf and JSON Schema through a real registry, from Kafka to Kafka; and a registry that is away. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import library from '@kafkajs/confluent-schema-registry'
import { wire } from '../../src/registry/wire.ts'
import { atEnd } from '../support/at-end.ts'
import { freshReader } from '../support/reader.ts'
import { ownRegistry, register, registryUrl } from '../support/registry.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, type TestTopic, unique } from '../support/servers.ts'

const functions = {
  'functions/echo.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ effects: 'none', run: ({ input }) => input })`,
}

const click = JSON.stringify({
  type: 'record',
  name: 'Click',
  namespace: 'films',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'film', type: 'string' },
  ],
})

function workflow(topic: string, format: string, out = '', outFormat = ''): string {
  const publish = `publish: { completed: { topic: ${out}, key: event.key, value: "\${{ event.data }}", format: ${outFormat} } }`
  return `
name: clicks
on: { kafka: { topic: ${topic}${format} } }
steps:
  - { id: echo, uses: echo, with: { data: "\${{ event.data }}" } }
${out === '' ? '' : publish}
`
}

async function send({ name, producer }: TestTopic, ...values: readonly Buffer[]): Promise<void> {
  await producer.send({ topic: name, acks: -1, messages: values.map((value, at) => ({ key: `k${at}`, value })) })
}

const letters = `select kafka_offset::int as at, code, reason from millrace.dead_letters order by kafka_offset`

test('Avro comes in and goes out; what cannot be read is a dead letter, and those behind it go on', async () => {
  const url = await registryUrl()
  const topic = await freshTopic(1)
  const out = await freshTopic(1, unique('out'))
  const id = await register(url, `${topic.name}-value`, { schema: click })
  await register(url, `${out.name}-value`, { schema: click })
  const scene = await freshScene(
    { 'clicks.yaml': workflow(topic.name, ', format: avro', out.name, 'avro'), ...functions },
    { SCHEMA_REGISTRY_URL: url },
  )
  const reader = await freshReader([out.name])
  const coordinator = scene.start()
  const other = new library.SchemaRegistry({ host: url })
  const good = await Promise.all([1, 2, 3].map((n) => other.encode(id, { n, film: `f${n}` })))
  const [first, second, third] = good as [Buffer, Buffer, Buffer]
  await send(topic, first, Buffer.from('{"n":1}'), second, wire(id, Buffer.from([2, 99])), third)
  await scene.ended(3)
  await reader.until(3)
  const read = await Promise.all(reader.seen.map(async ({ value }) => ({ ...(await other.decode(value as Buffer)) })))
  assert.deepEqual(
    read,
    [1, 2, 3].map((n) => ({ n, film: `f${n}` })),
  )
  assert.ok(reader.seen.every(({ headers }) => headers['millrace-wire'] === undefined))
  const rows = await scene.ledger.query<{ at: number; code: string; reason: string }>(letters)
  assert.deepEqual(
    rows.map(({ at, code }) => [at, code]),
    [
      [1, 'wire_format_broken'],
      [3, 'value_not_avro'],
    ],
  )
  const [message] = await scene.ledger.query<{ value: Buffer }>(
    `select value from millrace.outbox order by seq limit 1`,
  )
  assert.deepEqual(
    JSON.parse(String(message?.value)),
    { n: 1, film: 'f1' },
    'it waits in the ledger as people can read it',
  )
  await terminate(coordinator)
})

test('the magic byte says it where nobody says anything, in any kind of schema; JSON beside it stays JSON', async () => {
  const url = await registryUrl()
  const topic = await freshTopic(1)
  const avro = await register(url, unique('a'), { schema: click })
  const proto = 'syntax = "proto3"; message Viewer { string name = 1; } message Click { int64 n = 1; }'
  const protobuf = await register(url, unique('p'), { schemaType: 'PROTOBUF', schema: proto })
  const schema = JSON.stringify({ type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] })
  const jsonSchema = await register(url, unique('j'), { schemaType: 'JSON', schema })
  const scene = await freshScene(
    { 'clicks.yaml': workflow(topic.name, ''), ...functions },
    { SCHEMA_REGISTRY_URL: url },
  )
  const coordinator = scene.start()
  const other = new library.SchemaRegistry({ host: url })
  await send(
    topic,
    await other.encode(avro, { n: 1, film: 'M' }),
    wire(protobuf, Buffer.from([2, 2, 8, 2])),
    await other.encode(jsonSchema, { n: 3 }),
    Buffer.from('{"n":4}'),
  )
  await scene.ended(4)
  const rows = await scene.ledger.query<{ n: number }>(
    `select (event->'data'->>'n')::int as n from millrace.transactions order by kafka_offset`,
  )
  assert.deepEqual(
    rows.map(({ n }) => n),
    [1, 2, 3, 4],
  )
  await terminate(coordinator)
})

test('while the registry is away its records and messages are held, visibly, and nothing is lost', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-registry-'))
  atEnd(() => rm(dir, { recursive: true, force: true }))
  const registry = await ownRegistry({ dir })
  const { url } = registry
  const topic = await freshTopic(1)
  const out = await freshTopic(1, unique('out'))
  const id = await register(url, `${topic.name}-value`, { schema: click })
  await register(url, `${out.name}-value`, { schema: click })
  const scene = await freshScene(
    { 'clicks.yaml': workflow(topic.name, '', out.name, 'avro'), ...functions },
    { SCHEMA_REGISTRY_URL: url },
  )
  const reader = await freshReader([out.name])
  await registry.stop()
  const coordinator = scene.start()
  await scene.opened(1)
  const datum = Buffer.from([14, 2, 0x4d]) // n: 7, film: "M"
  await send(topic, Buffer.from('{"n":1,"film":"J"}'), wire(id, datum), Buffer.from('{"n":2,"film":"K"}'))
  await scene.ended(1)
  await scene.until(
    'the reason',
    `select bool_or(paused like '%offset 1 waits: the schema registry at%') from millrace.lanes`,
  )
  assert.match(coordinator.logs(), /The schema registry at http[^"]* is away/i)
  await scene.until('the message to wait', `select bool_or(state = 'pending') from millrace.outbox`)
  assert.deepEqual(await scene.ledger.query(letters), [])
  await ownRegistry({ dir, port: Number(new URL(url).port) })
  await scene.ended(3, { forMs: 60_000 })
  await reader.until(3, 60_000)
  assert.deepEqual(await scene.ledger.query(letters), [])
  await scene.until('no reason', `select bool_and(paused is null) from millrace.lanes`)
  await terminate(coordinator)
})

test('a workflow that needs a registry is refused where none is set, with the line', async () => {
  const topic = await freshTopic(1)
  const scene = await freshScene({ 'clicks.yaml': workflow(topic.name, ', format: avro'), ...functions })
  const coordinator = scene.start()
  const { code } = await coordinator.exited
  assert.notEqual(code, 0)
  assert.match(coordinator.logs(), /clicks\.yaml:3.*SCHEMA_REGISTRY_URL/s)
})
