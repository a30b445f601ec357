/**
 * Bytes that were something and are not any more: cut, turned, doubled, taken from elsewhere. Each is read as a value that the ledger can hold and
 * gives back, or refused with a code; nothing else is thrown, and nothing takes its time. FUZZ_RUNS=100000 looks longer.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { EngineError } from '../../../src/base/error.ts'
import { decode } from '../../../src/envelope/decode.ts'
import type { FormatSpec } from '../../../src/envelope/format.ts'
import { formatOf } from '../../../src/envelope/formats/all.ts'
import { type Json, parseJson } from '../../../src/envelope/json.ts'
import { corpusFile } from '../../corpus/cases.ts'
import { fc } from '../../support/fuzz.ts'
import * as any from './any.ts'

const runs = Number(process.env.FUZZ_RUNS ?? 400)
const hangMs = 1000

const avroValue: fc.Arbitrary<Json> = fc
  .record({
    film: any.text,
    seats: fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 4 }),
    tags: fc.dictionary(any.text, any.text, { maxKeys: 3 }),
    price: fc.option(fc.integer({ min: 0, max: 99_999 }).map((cents) => (cents / 100).toFixed(2))),
    kind: fc.constantFrom('A', 'B'),
    at: fc.constantFrom('2026-05-01T10:00:00.123456Z', '1969-12-31T23:59:59.999Z'),
  })
  .map((click) => ({ ...click, next: { ...click, next: null } }))

const seeds: readonly (readonly [FormatSpec, fc.Arbitrary<Json>])[] = [
  [{ kind: 'json' }, any.json],
  [{ kind: 'json5' }, any.json],
  [{ kind: 'yaml' }, any.json],
  [{ kind: 'xml' }, any.xml],
  [{ kind: 'form' }, any.form],
  [{ kind: 'csv', columns: null, delimiter: ',' }, any.csv],
  [{ kind: 'msgpack' }, any.json],
  [{ kind: 'cbor' }, any.json],
  [{ kind: 'avro', schema: corpusFile('avro/schema.avsc') }, avroValue],
]

/** Of the bytes so far; places are shares of their length. */
type Change = readonly ['cut' | 'turn' | 'put' | 'double' | 'drop' | 'swap', number, number, number]

const change: fc.Arbitrary<Change> = fc.tuple(
  fc.constantFrom('cut' as const, 'turn' as const, 'put' as const, 'double' as const, 'drop' as const, 'swap' as const),
  fc.double({ min: 0, max: 0.999, noNaN: true }),
  fc.double({ min: 0, max: 0.999, noNaN: true }),
  fc.integer({ min: 0, max: 255 }),
)

function changed(bytes: Buffer, [kind, one, two, byte]: Change): Buffer {
  const [from, to] = [Math.floor(one * bytes.length), Math.floor(two * bytes.length)].sort((a, b) => a - b) as [
    number,
    number,
  ]
  const [before, middle, after] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)]
  switch (kind) {
    case 'cut':
      return before
    case 'turn':
      return Buffer.concat([before, Buffer.from([byte]), bytes.subarray(from + 1)])
    case 'put':
      return Buffer.concat([before, Buffer.from([byte]), bytes.subarray(from)])
    case 'double':
      return Buffer.concat([before, middle, middle, after])
    case 'drop':
      return Buffer.concat([before, after])
    case 'swap':
      return Buffer.concat([middle, before, after])
  }
}

function look(spec: FormatSpec, value: Buffer): void {
  const record = { offset: 0, key: null, value, headers: [], timestampUs: 0, fetchedUs: 0 }
  const startedMs = performance.now()
  try {
    const { envelope, text } = decode(record, 'fuzz/0/0', 1_000_000, { format: spec })
    assert.ok(isDeepStrictEqual((parseJson(text) as { data: Json }).data, envelope.data), text.slice(0, 500))
  } catch (error) {
    if (!(error instanceof EngineError) || error.retryable) throw error
  }
  assert.ok(performance.now() - startedMs < hangMs)
}

for (const [spec, value] of seeds) {
  test(`${spec.kind}: bytes that were changed are read or refused`, () => {
    const changes = fc.array(change, { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(value, changes, (given, each) => {
        look(spec, each.reduce(changed, encoded(spec, given)))
      }),
      { numRuns: runs },
    )
  })

  test(`${spec.kind}: any bytes are read or refused`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => look(spec, Buffer.from(bytes))),
      { numRuns: runs },
    )
  })
}

/** A name that the library does not take is not written either. */
function encoded(spec: FormatSpec, value: Json): Buffer {
  return formatOf(spec)?.encode(value) ?? Buffer.alloc(0)
}
