/** Whatever a format writes it reads again as the same, and what it reads is what the ledger gives back after a restart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Format } from '../../../src/envelope/format.ts'
import { plainFormats } from '../../../src/envelope/formats/all.ts'
import { csv, plainCsv } from '../../../src/envelope/formats/csv.ts'
import { type Json, parseJson, stringifyJson } from '../../../src/envelope/json.ts'
import { fc } from '../../support/fuzz.ts'
import * as any from './any.ts'

const { json, json5, yaml, xml, form, msgpack, cbor, raw } = plainFormats

/** MessagePack's library takes no such name. */
const withoutProto = any.json.filter((value) => !stringifyJson(value).includes('"__proto__":'))
/** As a key, the parser takes it for a merge. */
const withoutMerge = any.json.filter((value) => !stringifyJson(value).includes('"<<":'))

const cases: readonly (readonly [string, Format, fc.Arbitrary<Json>])[] = [
  ['json', json, any.json],
  ['json5', json5, any.json],
  ['yaml', yaml, withoutMerge],
  ['xml', xml, any.xml],
  ['form', form, any.form],
  ['csv', csv(plainCsv), any.csv],
  ['msgpack', msgpack, withoutProto],
  ['cbor', cbor, any.json],
  ['raw', raw, any.text],
]
for (const [name, format, value] of cases) {
  test(`${name}: what is written is read again, and so it is from the ledger`, () => {
    fc.assert(
      fc.property(value, (given) => {
        const read = format.decode(format.encode(given))
        assert.ok(
          isDeepStrictEqual(sorted(read), sorted(given)),
          `${stringifyJson(given)} became ${stringifyJson(read)}`,
        )
        assert.ok(isDeepStrictEqual(parseJson(stringifyJson(read)), read))
      }),
      { numRuns: 300 },
    )
  })
}

/** CBOR writes names in an order of its own; a shape of null, for a name may be `__proto__`. */
function sorted(value: Json): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const names = Object.keys(value).sort()
  return names.map((name) => [name, sorted(value[name] as Json)])
}
