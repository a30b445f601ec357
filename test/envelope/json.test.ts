/** Exact integers, and what Postgres can hold. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { depthMax, isStorable, type Json, parseJson, stringifyJson } from '../../src/envelope/json.ts'
import { fc } from '../support/fuzz.ts'

test('integers beyond 2^53 come back as they were; fractions and small ones are numbers', () => {
  const text = '[9007199254740993,-12345678901234567890,9007199254740991,1.5,1e3]'
  assert.deepEqual(parseJson(text), [9007199254740993n, -12345678901234567890n, 9007199254740991, 1.5, 1000])
  assert.equal(stringifyJson(parseJson('{"a":9007199254740993}')), '{"a":9007199254740993}')
})

test('whatever is written is read again, and is on one line', () => {
  const leaf = fc.oneof(fc.string(), fc.boolean(), fc.constant(null), fc.integer(), fc.bigInt(2n ** 53n, 2n ** 80n))
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
  }))
  fc.assert(
    fc.property(value, (json) => {
      const text = stringifyJson(json)
      assert.ok(!text.includes('\n'))
      assert.equal(stringifyJson(parseJson(text)), text)
    }),
  )
})

const texts: readonly [boolean, string, string][] = [
  [true, 'plain', '{"a":"b"}'],
  [true, 'a whole pair of surrogates', '"\\ud83d\\ude00"'],
  [true, 'an escaped backslash before u0000', '"\\\\u0000"'],
  [false, 'an escaped NUL', '"\\u0000"'],
  [false, 'a NUL in a name', '{"\\u0000":1}'],
  [false, 'a lone surrogate', '"\\udc00"'],
  [false, 'a lone surrogate in a name', '{"a":{"\\ud800":1}}'],
  [true, 'as deep as may be', nested(depthMax)],
  [false, 'deeper', nested(depthMax + 2)],
  [true, 'brackets in a text', JSON.stringify('['.repeat(1000))],
]
for (const [expected, name, text] of texts) {
  test(`${name} is ${expected ? '' : 'not '}storable`, () => assert.equal(isStorable(text), expected))
}

function nested(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels)
}
