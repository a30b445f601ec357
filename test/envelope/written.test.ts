/** A message as it goes to Kafka: its format, its content type, and what makes it a CloudEvent. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '../../src/envelope/json.ts'
import { type Form, type Written, written as writtenTo } from '../../src/envelope/written.ts'

const written = (value: Json, headers: Readonly<Record<string, string>>, form: Form): Written =>
  writtenTo(value, 'films', headers, form)

const plain: Form = { format: null, event: null }
const text = ({ value, headers }: ReturnType<typeof written>) => [value === null ? null : String(value), headers]

test('without a format it is JSON text, and says nothing of it', () => {
  assert.deepEqual(written({ n: 2n ** 60n }, { a: 'b' }, plain), {
    value: '{"n":1152921504606846976}',
    headers: { a: 'b' },
  })
  assert.deepEqual(written(null, {}, plain), { value: null, headers: {} })
})

test('a format sets the content type, unless the author has', () => {
  const form: Form = { format: { kind: 'yaml' }, event: null }
  assert.deepEqual(text(written({ a: 1 }, {}, form)), ['a: 1\n', { 'content-type': 'application/yaml' }])
  const own = written({ a: 1 }, { 'Content-Type': 'application/x-own+yaml' }, form)
  assert.equal(own.headers['Content-Type'], 'application/x-own+yaml')
  assert.deepEqual(text(written(null, {}, form)), [null, {}])
})

const attributes = { id: '1', source: '/s', type: 't', subject: 'ž' }

test('a CloudEvent in binary mode has its attributes in headers, in structured mode in its value', () => {
  const binary = written({ a: 1 }, { more: 'x' }, {
    format: { kind: 'xml' },
    event: { mode: 'binary', attributes },
  } as Form & {
    format: { kind: 'xml' }
  })
  assert.match(String(binary.value), /<a>1<\/a>$/)
  assert.deepEqual(binary.headers, {
    ...{ more: 'x', ce_specversion: '1.0', ce_id: '1', ce_source: '/s', ce_type: 't', ce_subject: 'ž' },
    'content-type': 'application/xml',
  })
  const structured = written({ a: 1 }, { more: 'x' }, { format: null, event: { mode: 'structured', attributes } })
  assert.deepEqual(structured.headers, { more: 'x', 'content-type': 'application/cloudevents+json; charset=utf-8' })
  const said = { ...attributes, specversion: '1.0', datacontenttype: 'application/json', data: { a: 1 } }
  assert.deepEqual(JSON.parse(String(structured.value)), said)
})

test('an event without data is no tombstone', () => {
  const { value } = written(null, {}, { format: null, event: { mode: 'binary', attributes } })
  assert.equal(String(value), 'null')
})

test('what cannot be written has a code', () => {
  const bad = (event: Record<string, string>) => () =>
    written(1, {}, { format: null, event: { mode: 'binary', attributes: event } })
  assert.throws(bad({ ...attributes, type: '' }), { code: 'cloudevent_invalid' })
  assert.throws(bad({ ...attributes, time: 'noon' }), { code: 'cloudevent_invalid' })
  assert.throws(() => written([1], {}, { format: { kind: 'form' }, event: null }), { code: 'value_not_writable' })
})
