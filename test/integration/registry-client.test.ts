/** Against a real registry: what other clients write is read, what is written other clients read, and what it lacks is said. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import library from '@kafkajs/confluent-schema-registry'
import { systemClock } from '../../src/base/clock.ts'
import { EngineError } from '../../src/base/error.ts'
import { Registry } from '../../src/registry/registry.ts'
import { wire } from '../../src/registry/wire.ts'
import { register, registryUrl } from '../support/registry.ts'
import { unique } from '../support/servers.ts'

const options = {
  user: null,
  password: null,
  tls: {},
  answerMsMax: 10_000,
}
const latest = { version: 'latest', message: null } as const

async function scene(patienceMs = 1500) {
  const url = await registryUrl()
  return { url, registry: new Registry({ ...options, url, clock: systemClock(), patienceMs }) }
}

const click = JSON.stringify({
  type: 'record',
  name: 'Click',
  namespace: 'films',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'film', type: 'string' },
    { name: 'rating', type: ['null', 'int'], default: null },
  ],
})

test('Avro that another client wrote is read, and it reads what is written here', async () => {
  const { url, registry } = await scene()
  const subject = unique('clicks')
  const id = await register(url, subject, { schema: click })
  const other = new library.SchemaRegistry({ host: url })
  const value = { n: 7, film: 'Metropolis', rating: null }
  const theirs = await other.encode(id, value)
  assert.equal(registry.known(theirs, 'avro'), undefined)
  assert.deepEqual(await registry.find(theirs, 'avro'), value)
  assert.deepEqual(registry.known(theirs, null), value)
  const ours = await registry.encode({ n: 8, film: 'M', rating: null }, { kind: 'avro', subject, ...latest })
  assert.deepEqual({ ...(await other.decode(ours)) }, { n: 8, film: 'M', rating: null })
})

test('longs and decimals are exact', async () => {
  const { url, registry } = await scene()
  const decimal = { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }
  const fields = [
    { name: 'n', type: 'long' },
    { name: 'price', type: decimal },
  ]
  const subject = unique('prices')
  await register(url, subject, { schema: JSON.stringify({ type: 'record', name: 'Price', fields }) })
  const value = { n: 9007199254740993n, price: '12.30' }
  const bytes = await registry.encode(value, { kind: 'avro', subject, ...latest })
  assert.deepEqual(await registry.find(bytes, null), value)
  await assert.rejects(registry.encode({ n: 1, price: '1.234' }, { kind: 'avro', subject, ...latest }), {
    code: 'value_not_writable',
  })
})

test('schemas that refer to others are read with them', async () => {
  const { url, registry } = await scene()
  const money = unique('money')
  const currency = JSON.stringify({ type: 'enum', name: 'Currency', namespace: 'shared', symbols: ['CZK', 'EUR'] })
  await register(url, money, { schema: currency })
  const schema = JSON.stringify({ type: 'record', name: 'Paid', fields: [{ name: 'in', type: 'shared.Currency' }] })
  const references = [{ name: 'shared.Currency', subject: money, version: 1 }]
  const subject = unique('paid')
  await register(url, subject, { schema, references })
  const bytes = await registry.encode({ in: 'CZK' }, { kind: 'avro', subject, ...latest })
  const fresh = (await scene()).registry
  assert.deepEqual(await fresh.find(bytes, 'avro'), { in: 'CZK' })
})

test('Protobuf, with a file it imports and Google’s own types', async () => {
  const { url, registry } = await scene()
  const shared = unique('shared')
  const money = 'syntax = "proto3"; package shared; message Money { string currency = 1; int64 minor = 2; }'
  await register(url, shared, { schemaType: 'PROTOBUF', schema: money })
  const schema = `syntax = "proto3"; package films;
    import "google/protobuf/timestamp.proto"; import "shared/money.proto";
    message Viewer { string name = 1; }
    message Click { int64 id = 1; google.protobuf.Timestamp at = 2; shared.Money price = 3; }`
  const subject = unique('protoclicks')
  const references = [{ name: 'shared/money.proto', subject: shared, version: 1 }]
  await register(url, subject, { schemaType: 'PROTOBUF', schema, references })
  const value = { id: 2n ** 60n, at: '2026-05-01T10:00:00.500Z', price: { currency: 'CZK', minor: -1 } }
  const bytes = await registry.encode(value, { kind: 'protobuf', subject, version: 1, message: 'Click' })
  assert.deepEqual(await registry.find(bytes, 'protobuf'), value)
})

test('JSON behind a schema id is held to its schema', async () => {
  const { url, registry } = await scene()
  const subject = unique('jsonclicks')
  const schema = JSON.stringify({ type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] })
  const id = await register(url, subject, { schemaType: 'JSON', schema })
  const other = new library.SchemaRegistry({ host: url })
  assert.deepEqual(await registry.find(await other.encode(id, { n: 1 }), 'json-schema'), { n: 1 })
  const wrong = await registry.find(wire(id, Buffer.from('{"n":"x"}')), null)
  assert.ok(wrong instanceof EngineError && wrong.code === 'schema_mismatch')
  assert.match(wrong.message, /\/n must be integer/)
  assert.deepEqual(await other.decode(await registry.encode({ n: 2 }, { kind: 'json-schema', subject, ...latest })), {
    n: 2,
  })
})

test('what is not there is asked for a while, then refused, and at once from then on', async () => {
  const { registry } = await scene(1500)
  const record = wire(987_654, Buffer.from([0]))
  const from = performance.now()
  const refusal = await registry.find(record, null)
  const waitedMs = performance.now() - from
  assert.ok(refusal instanceof EngineError && refusal.code === 'schema_unknown')
  assert.match(refusal.message, /has no schema 987654, asked for 1\.5 s/)
  assert.ok(waitedMs >= 1400 && waitedMs < 6000, `${waitedMs} ms`)
  const again = performance.now()
  assert.ok((await registry.find(record, null)) instanceof EngineError)
  assert.ok(performance.now() - again < 1000)
})

test('a schema that comes late is read when it is there', async () => {
  const { url, registry } = await scene(20_000)
  const early = JSON.stringify({ type: 'record', name: unique('Early'), fields: [] })
  const before = await register(url, unique('early'), { schema: early })
  const finding = registry.find(wire(before + 1, Buffer.from([2])), null)
  const late = JSON.stringify({ type: 'record', name: unique('Late'), fields: [{ name: 'n', type: 'int' }] })
  const id = await register(url, unique('late'), { schema: late })
  assert.equal(id, before + 1, 'nobody else registers in between')
  assert.deepEqual(await finding, { n: 1 })
})

test('what cannot be read says why', async () => {
  const { url, registry } = await scene()
  const id = await register(url, unique('clicks'), { schema: click })
  const code = async (bytes: Buffer, kind: 'avro' | 'protobuf' | null) => {
    const found = await registry.find(bytes, kind)
    assert.ok(found instanceof EngineError, JSON.stringify(found))
    return found.code
  }
  assert.equal(await code(wire(id, Buffer.from([2])), 'avro'), 'value_not_avro')
  assert.equal(await code(wire(id, Buffer.from([2, 2])), 'protobuf'), 'schema_kind_wrong')
  assert.equal(await code(Buffer.from('{"n":1}'), 'avro'), 'wire_format_broken')
  assert.equal(await code(Buffer.from([0, 0]), null), 'wire_format_broken')
})

test('a subject that is not there is waited for; a version that is newer is written with soon', async () => {
  const { url, registry } = await scene()
  const subject = unique('views')
  const spec = { kind: 'avro', subject, ...latest } as const
  await assert.rejects(registry.encode({}, spec), { code: 'subject_missing', retryable: true })
  await register(url, subject, { schema: click })
  await registry.encode({ n: 1, film: 'M', rating: null }, spec)
  await assert.rejects(registry.encode({ n: 'x' }, spec), {
    code: 'value_not_writable',
    message: /n: its schema wants/,
  })
  await assert.rejects(registry.encode({}, { ...spec, version: 9 }), { message: /version 9 of subject/ })
})

test('an address that is no registry is an outage that says so', async () => {
  const { url } = await scene()
  const patience = { clock: systemClock(), patienceMs: 500 }
  const wrong = new Registry({ ...options, ...patience, url: url.replace('/apis/ccompat/v7', '/apis/nothing') })
  await assert.rejects(wrong.find(wire(1, Buffer.from([0])), null), {
    code: 'registry_outage',
    retryable: true,
    message: /no schema registry: look at registry\.url/,
  })
  const nobody = new Registry({ ...options, ...patience, url: 'http://127.0.0.1:1' })
  await assert.rejects(nobody.find(wire(1, Buffer.from([0])), null), {
    code: 'registry_outage',
    message: /ECONNREFUSED/,
  })
})
