/** What data must be: by JSON Schema 2020-12, told by place and never by content. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../../src/base/error.ts'
import { decode } from '../../src/envelope/decode.ts'
import type { Json } from '../../src/envelope/json.ts'
import { compileSchema } from '../../src/envelope/schema.ts'

const schema = compileSchema({
  type: 'object',
  required: ['film'],
  additionalProperties: false,
  properties: {
    film: { type: 'string', maxLength: 10 },
    seats: { type: 'array', items: { type: 'integer', minimum: 1 } },
    price: { type: 'number' },
    at: { type: 'string', format: 'date-time' },
    'a/b': { const: 1 },
  },
})

function check(value: string): void {
  const record = { offset: 0, key: null, value: Buffer.from(value), headers: [], timestampUs: 0, fetchedUs: 0 }
  const { envelope, text } = decode(record, 't/0/0', 10_000)
  schema.check(envelope, text)
}

test('what fits passes, integers beyond 2^53 and long fractions as the numbers that they are', () => {
  check(
    '{"film":"Solaris","seats":[1,12345678901234567890],"price":0.12345678901234567890,"at":"2026-05-01T10:00:00Z"}',
  )
})

const misfits: readonly (readonly [string, RegExp])[] = [
  ['[]', /: data must be object$/],
  ['{}', /: data must have required property 'film'$/],
  ['{"film":7}', /: data\.film must be string$/],
  ['{"film":"a very secret film"}', /: data\.film must NOT have more than 10 characters$/],
  ['{"film":"a","seats":[1,0]}', /: data\.seats\[1\] must be >= 1$/],
  ['{"film":"a","seat":1}', /: data must NOT have additional properties: seat$/],
  ['{"film":"a","at":"noon"}', /: data\.at must match format "date-time"$/],
  ['{"film":"a","a/b":2}', /: data\.a\/b must be equal to constant$/],
]
for (const [value, message] of misfits) {
  test(`${value} does not fit`, () => assert.throws(() => check(value), { code: 'schema_mismatch', message }))
}

const broken: readonly (readonly [string, Json])[] = [
  ['a type that is none', { type: 'objekt' }],
  ['a keyword that is misspelt', { requred: ['a'] }],
  ['a reference to elsewhere', { $ref: 'https://example.com/schema.json' }],
  ['another draft', { $schema: 'http://json-schema.org/draft-04/schema#' }],
  ['a pattern that is none', { pattern: '(' }],
  ['a list', []],
]
for (const [name, bad] of broken) {
  test(`a schema with ${name} is none`, () =>
    assert.throws(
      () => compileSchema(bad),
      (error) => error instanceof EngineError && error.code === 'schema_invalid',
    ))
}
