/** What a record becomes, or the code of the dead letter that it becomes instead. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../../src/base/error.ts'
import { authenticated, decode, recall } from '../../src/envelope/decode.ts'
import type { RawRecord } from '../../src/envelope/record.ts'

const atUs = Date.parse('2026-05-01T10:00:00Z') * 1000

function record(what: {
  value?: string | Buffer | null
  key?: string | Buffer
  headers?: Record<string, string>
}): RawRecord {
  const { value = '{"a":1}', key, headers = {} } = what
  return {
    offset: 7,
    key: key === undefined ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) })),
    timestampUs: atUs,
    fetchedUs: atUs + 5000,
  }
}

const read = (what: Parameters<typeof record>[0]) => decode(record(what), 't/0/7', 1000)
const ce = { ce_specversion: '1.0', ce_id: 'e1', ce_type: 'order', ce_source: '/shop' }
const structuredType = { 'content-type': 'application/cloudevents+json; charset=utf-8' }
const structured = (event: Record<string, unknown>) =>
  read({ headers: structuredType, value: JSON.stringify({ specversion: '1.0', ...event }) })

test('plain JSON: its id is key and position, its time is the record', () => {
  const { envelope, text } = read({ key: 'k' })
  assert.deepEqual(
    { ...envelope, meta: { ...envelope.meta } },
    {
      id: 'k@t/0/7',
      type: null,
      source: null,
      time: '2026-05-01T10:00:00.000Z',
      key: 'k',
      meta: {},
      auth: null,
      data: { a: 1 },
    },
  )
  assert.deepEqual(JSON.parse(text).data, { a: 1 })
})

test('a record without a stamp has the time it was fetched', () => {
  const { envelope } = decode({ ...record({}), timestampUs: null }, 't/0/7', 1000)
  assert.equal(envelope.time, '2026-05-01T10:00:00.005Z')
})

test('a CloudEvent in binary mode: attributes from headers, the rest of them is meta', () => {
  const { envelope } = read({ headers: { ...ce, ce_time: '2026-05-02T12:00:00+02:00', 'X-Region': 'eu' } })
  const { id, type, source, time, meta } = envelope
  assert.deepEqual(
    { id, type, source, time },
    { id: 'e1', type: 'order', source: '/shop', time: '2026-05-02T10:00:00.000Z' },
  )
  assert.deepEqual({ ...meta }, { 'x-region': 'eu' })
})

test('a CloudEvent in structured mode: attributes and data from the value', () => {
  const { envelope, text } = structured({ id: 'e2', type: 'order', source: '/shop', data: { n: 1 } })
  assert.equal(envelope.id, 'e2')
  assert.deepEqual(envelope.data, { n: 1 })
  assert.deepEqual(JSON.parse(text).data, { n: 1 })
})

test('credentials are neither in meta nor in what the ledger keeps, and nobody is in auth', () => {
  const { envelope, text } = read({
    headers: { Authorization: 'Bearer secret', 'X-Api-Key': 'secret', other: 'plain' },
  })
  assert.equal(envelope.auth, null)
  assert.deepEqual({ ...envelope.meta }, { other: 'plain' })
  assert.ok(!text.includes('secret'))
})

const keys: readonly [string, Buffer, string][] = [
  ['text', Buffer.from('žluť'), 'žluť'],
  ['empty', Buffer.alloc(0), ''],
  ['no UTF-8', Buffer.from([0xff, 0x01]), 'base64:/wE='],
  ["a Java Long's eight bytes", Buffer.from([0, 0, 0, 0, 0, 0, 0, 42]), 'base64:AAAAAAAAACo='],
]
for (const [name, key, expected] of keys) {
  test(`a key that is ${name} becomes ${JSON.stringify(expected)}`, () =>
    assert.equal(read({ key }).envelope.key, expected))
}

test('integers beyond 2^53 stay exact, in the data and in what is kept', () => {
  const { envelope, text } = read({ value: '{"n":12345678901234567890}' })
  assert.deepEqual(envelope.data, { n: 12345678901234567890n })
  assert.ok(text.includes('12345678901234567890'))
})

test('what CloudEvents say beyond who and when is kept in meta, whatever the mode', () => {
  const more = { subject: 'film/7', comexampleshard: '3' }
  const headers = Object.fromEntries(Object.entries(more).map(([name, text]) => [`ce_${name}`, text]))
  const binary = read({ headers: { ...ce, ...headers } }).envelope.meta
  const inside = structured({ id: 'e', type: 't', source: 's', ...more, data: {} }).envelope.meta
  assert.deepEqual({ ...binary }, { ce_subject: 'film/7', ce_comexampleshard: '3' })
  assert.deepEqual({ ...inside }, { ...structuredType, ...binary })
})

test('the data of a structured event is read by its own content type', () => {
  const event = { id: 'e', type: 't', source: 's' }
  const xml = structured({ ...event, datacontenttype: 'application/xml', data: '<a>1</a>' }).envelope
  assert.deepEqual([xml.data, xml.meta.ce_datacontenttype], [{ a: '1' }, 'application/xml'])
  const text = structured({ ...event, data_base64: Buffer.from('žluť').toString('base64') }).envelope
  assert.equal(text.data, 'žluť')
  const none = structured(event)
  assert.deepEqual([none.envelope.data, JSON.parse(none.text).data], [null, null])
})

test('numbers in the data of a structured event are kept as they are written', () => {
  const value = '{"specversion":"1.0","id":"a","type":"t","source":"s","data":{"a":0.12345678901234567890,"b":1e3}}'
  const { envelope, text } = read({ headers: structuredType, value })
  assert.ok(text.endsWith('"data":{"a":0.12345678901234567890,"b":1e3}}'), text)
  assert.deepEqual(envelope.data, { a: '0.12345678901234567890', b: 1000 })
})

test('the content-type header says the format, and the workflow says otherwise', () => {
  const headers = { 'content-type': 'application/yaml' }
  assert.deepEqual(read({ headers, value: 'a: [1, x]' }).envelope.data, { a: [1, 'x'] })
  const wanted = decode(record({ headers, value: 'a: [1, x]' }), 't/0/7', 1000, { format: { kind: 'raw' } })
  assert.equal(wanted.envelope.data, 'a: [1, x]')
})

test('a value that had to be asked for elsewhere takes the place of the bytes, and so does why it could not be had', () => {
  const raw = record({ value: Buffer.from([0, 1, 2]) })
  const { envelope, text } = decode(raw, 't/0/7', 1000, { format: null, value: { n: 2n ** 60n } })
  assert.deepEqual([envelope.data, JSON.parse(text).data], [{ n: 2n ** 60n }, { n: Number(2n ** 60n) }])
  const refused = new EngineError('schema_unknown', 'nobody knows it')
  assert.throws(() => decode(raw, 't/0/7', 1000, { format: null, value: refused }), refused)
})

test('what is kept gives the same envelope again', () => {
  const texts = ['{"a":[1,2.5,null,"ž"],"n":12345678901234567890}', ' [1] ', '"x"', '{"__proto__":{"a":1}}']
  for (const value of texts) {
    const decoded = read({ value, key: 'k', headers: { ...ce, a: 'b', cookie: 'c' } })
    const { envelope, text } = decoded
    const same = (again: object, meta: object) =>
      assert.deepEqual({ ...again, meta: { ...meta } }, { ...envelope, meta: { ...envelope.meta } })
    const again = recall(text, envelope.id)
    same(again, again.meta)
    const sent = authenticated(decoded, ann)
    const recalled = recall(sent.text, envelope.id)
    assert.deepEqual(recalled.auth, ann)
    same({ ...recalled, auth: null }, recalled.meta)
  }
})

const someone = { principal: 'ann', family: 'jwt', roles: ['billing'], claims: { n: 12345678901234567890n } }
const ann = { ...someone, by: { jwt: someone } }

test('what is said of a sender and cannot be stored is refused', () => {
  const act = () => authenticated(read({}), { ...ann, principal: 'a\0' })
  assert.throws(act, (error) => error instanceof EngineError && error.code === 'value_unstorable')
})

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
const bad: readonly [string, string, () => unknown][] = [
  ['value_null', 'a tombstone', () => read({ value: null })],
  ['value_too_large', 'too many bytes', () => read({ value: '1'.repeat(1001) })],
  ['value_not_utf8', 'bytes that are no text', () => read({ value: Buffer.from([0x22, 0xc3, 0x22]) })],
  ['value_not_json', 'an empty value', () => read({ value: '' })],
  ['value_not_json', 'half of an object', () => read({ value: '{"a":' })],
  ['value_unstorable', 'a NUL', () => read({ value: '"\\u0000"' })],
  ['value_unstorable', 'half a character', () => read({ value: '"\\ud800"' })],
  ['value_unstorable', 'a NUL in a header', () => read({ headers: { a: '\0' } })],
  ['value_unstorable', 'too deep', () => read({ value: deep(140) })],
  ['value_unstorable', 'an id of half a character', () => structured({ id: '\ud800', type: 't', source: 's' })],
  ['cloudevent_invalid', 'binary without a type', () => read({ headers: { ...ce, ce_type: '' } })],
  ['cloudevent_invalid', 'a time that is none', () => read({ headers: { ...ce, ce_time: 'noon' } })],
  ['cloudevent_invalid', "a time of the host's zone", () => read({ headers: { ...ce, ce_time: 'May 1 2026' } })],
  [
    'cloudevent_invalid',
    'a day that is not there',
    () => read({ headers: { ...ce, ce_time: '2026-13-01T00:00:00Z' } }),
  ],
  ['cloudevent_invalid', 'structured but no object', () => read({ headers: structuredType, value: '[]' })],
  ['cloudevent_invalid', 'structured without an id', () => structured({ type: 't', source: 's' })],
  [
    'cloudevent_invalid',
    'structured with a time that is a number',
    () => structured({ id: 'a', type: 't', source: 's', time: 1 }),
  ],
  [
    'cloudevent_invalid',
    'data twice',
    () => structured({ id: 'a', type: 't', source: 's', data: 1, data_base64: 'AA==' }),
  ],
  ['cloudevent_invalid', 'a batch', () => read({ headers: { 'content-type': 'application/cloudevents-batch+json' } })],
  ['cloudevent_invalid', 'another version', () => read({ headers: { ...ce, ce_specversion: '0.3' } })],
  ['content_type_unknown', 'a content type of nobody', () => read({ headers: { 'content-type': 'image/png' } })],
  ['content_type_unknown', 'another charset', () => read({ headers: { 'content-type': 'text/xml; charset=latin1' } })],
  ['registry_missing', "a registry's magic byte", () => read({ value: Buffer.from([0, 0, 0, 0, 1, 2]) })],
  ['value_unstorable', 'a number that Postgres cannot hold', () => read({ value: '1e400000' })],
  [
    'value_unstorable',
    'a number of a million digits',
    () => decode(record({ value: '1'.repeat(1_000_000) }), 't/0/7', 1_000_000),
  ],
]
for (const [code, name, act] of bad) {
  test(`${name} is ${code}`, () => assert.throws(act, (error) => error instanceof EngineError && error.code === code))
}

test('a structured event that nests without end is unstorable, not the end of the engine', () => {
  const value = `{"specversion":"1.0","id":"a","type":"t","source":"s","data":${deep(100_000)}}`
  const act = () => decode(record({ headers: structuredType, value }), 't/0/7', 1_000_000)
  assert.throws(act, (error) => error instanceof EngineError && error.code === 'value_unstorable')
})
