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

const numbers: readonly [string, unknown][] = [
  ['0.1', 0.1],
  ['0.30000000000000004', 0.30000000000000004],
  ['0.10000000000000001', 0.1],
  ['0.1000000000000000055511151231257827', 0.1],
  ['0.12345678901234567890', '0.12345678901234567890'],
  ['1234567890123456.789', '1234567890123456.789'],
  ['9007199254740992.0', 9007199254740992n],
  ['1e20', 100000000000000000000n],
  ['1e21', 1e21],
  ['1.5e300', 1.5e300],
  ['1e400', '1e400'],
  ['1e-400', '1e-400'],
  ['0e999', 0],
  ['5e-324', 5e-324],
]
for (const [literal, expected] of numbers) {
  test(`the number ${literal} is ${typeof expected === 'string' ? 'a text, for no double says it' : String(expected)}`, () => {
    assert.deepEqual(parseJson(`[${literal}, {"a":${literal}}]`), [expected, { a: expected }])
    assert.deepEqual(parseJson(literal), expected)
  })
}

test('a number of more digits than anybody holds is refused', () => {
  for (const literal of ['1'.repeat(1001), '1e1001', '1e-1001', '0.'.padEnd(1100, '1')]) {
    assert.throws(() => parseJson(literal), RangeError)
  }
})

test('whatever double is written, at whatever length, is read as that double, and anything else stays as it is written', () => {
  const literal = fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 16, max: 60 }))
  fc.assert(
    fc.property(literal, ([double, digits]) => {
      const read = parseJson(`[${double.toExponential(digits)}]`) as [unknown]
      assert.equal(Number(read[0]), double === 0 ? 0 : double)
      assert.notEqual(typeof read[0], 'string')
    }),
  )
  fc.assert(
    fc.property(fc.bigInt(10n ** 18n, 10n ** 30n), fc.integer({ min: 1, max: 17 }), (digits, scale) => {
      const text = `${String(digits).slice(0, -scale)}.${String(digits).slice(-scale)}`
      const [read] = parseJson(`[${text}]`) as [string | number | bigint]
      if (typeof read === 'string') assert.equal(read, text)
      else
        assert.ok(Number(read).toExponential(40).replace('.', '').startsWith(String(digits).replace(/0+$/, '')), text)
    }),
  )
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
