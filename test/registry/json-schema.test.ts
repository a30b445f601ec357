import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileJsonSchema } from '../../src/registry/json-schema.ts'

const draft7 = JSON.stringify({
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: { n: { type: 'integer' }, at: { type: 'string', format: 'date-time' } },
  required: ['n'],
})
const bytes = (value: string) => Buffer.from(value)

test('a value that fits is read, and its integers stay exact', () => {
  const schema = compileJsonSchema(draft7, [])
  assert.deepEqual(schema.decode(bytes('{"n":9007199254740993}')), { n: 9007199254740993n })
  assert.deepEqual(schema.decode(schema.encode({ n: 2n ** 63n })), { n: 2n ** 63n })
})

test('one that does not fit is refused by its place', () => {
  const schema = compileJsonSchema(draft7, [])
  const mismatch = { code: 'schema_mismatch' }
  assert.throws(() => schema.decode(bytes('{"n":"x"}')), { ...mismatch, message: /\/n must be integer/ })
  assert.throws(() => schema.decode(bytes('[]')), { ...mismatch, message: /the value must be object/ })
  assert.throws(() => schema.decode(bytes('{"n":1,"at":"now"}')), { ...mismatch, message: /\/at must match format/ })
  assert.throws(() => schema.decode(bytes('{')), { code: 'value_not_json' })
  assert.throws(() => schema.encode({}), { code: 'value_not_writable', message: /must have required property 'n'/ })
})

test('the dialect is the one that the schema names', () => {
  const dialects = ['http://json-schema.org/draft-07/schema#', 'https://json-schema.org/draft/2019-09/schema']
  for (const $schema of [...dialects, 'https://json-schema.org/draft/2020-12/schema']) {
    const schema = compileJsonSchema(JSON.stringify({ $schema, type: 'string', unknownWord: 1 }), [])
    assert.equal(schema.decode(bytes('"x"')), 'x')
  }
  const tuple = { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ type: 'integer' }] }
  assert.throws(() => compileJsonSchema(JSON.stringify(tuple), []).decode(bytes('["x"]')), { code: 'schema_mismatch' })
})

test('what it refers to is found by its name, and nothing is fetched', () => {
  const address = { $id: 'address.json', type: 'object', properties: { city: { type: 'string' } } }
  const person = { $id: 'person.json', properties: { home: { $ref: 'address.json' } } }
  const references = [{ name: 'address.json', text: JSON.stringify(address) }]
  const schema = compileJsonSchema(JSON.stringify(person), references)
  assert.throws(() => schema.decode(bytes('{"home":{"city":1}}')), { message: /\/home\/city must be string/ })
  assert.throws(() => compileJsonSchema(JSON.stringify(person), []), {
    code: 'schema_invalid',
    message: /address\.json/,
  })
  assert.throws(() => compileJsonSchema('{', []), { code: 'schema_invalid' })
})
