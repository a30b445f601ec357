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
import { type Json, parseJson, stringifyJson } from '../../../src/envelope/json.ts'
import type { RawHeader } from '../../../src/envelope/record.ts'
import { corpusFile } from '../../corpus/cases.ts'
import { fc } from '../../support/fuzz.ts'
import { changes, mutated } from '../../support/mutate.ts'
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

function look(spec: FormatSpec | null, value: Buffer, headers: readonly RawHeader[] = []): void {
  const record = { offset: 0, key: null, value, headers, timestampUs: 0, fetchedUs: 0 }
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
    fc.assert(
      fc.property(value, changes(1, 6), (given, each) => look(spec, mutated(encoded(spec, given), each))),
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

/** What a CloudEvent may say of itself, and a little that it may not. */
const attributes: fc.Arbitrary<{ [name: string]: Json }> = fc.record(
  {
    specversion: fc.constantFrom<Json>('1.0', '1.0', '1.0', '0.3', 1),
    id: fc.oneof<fc.Arbitrary<Json>[]>(any.text, any.json),
    source: any.text,
    type: any.text,
    time: fc.constantFrom<Json>('2026-05-01T10:00:00Z', '2026-05-01T10:00:00.123456+02:00', '2026-13-01', 'now', 5),
    subject: any.text,
    datacontenttype: fc.constantFrom('application/json', 'application/xml', 'text/csv; a=b', 'no type', ''),
    dataschema: any.text,
    data: any.json,
    data_base64: fc.constantFrom<Json>('e30=', 'e30', '!', 7),
    extension: any.json,
  },
  { requiredKeys: [] },
)

test('structured CloudEvents, near ones and changed ones, are read or refused', () => {
  const type: RawHeader = { name: 'content-type', value: Buffer.from('application/cloudevents+json') }
  fc.assert(
    fc.property(attributes, changes(0, 3), (event, each) => {
      look(null, mutated(Buffer.from(stringifyJson(event)), each), [type])
    }),
    { numRuns: runs },
  )
})

test('binary CloudEvents whose headers are anything, and traces that are none, are read or refused', () => {
  const names = [
    ...['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time', 'ce_subject', 'ce_', 'ce___proto__'],
    ...['content-type', 'traceparent', 'tracestate', 'baggage', '', '__proto__', 'Content-Type'],
  ]
  const said = [
    ...[
      '1.0',
      'a',
      '/films',
      '2026-05-01T10:00:00Z',
      'application/json',
      'application/yaml;charset=utf-16',
      'text/csv',
    ],
    ...['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'a=1,b=2'],
  ]
  const header = fc
    .tuple(fc.constantFrom(...names), fc.constantFrom(...said), changes(0, 2))
    .map(([name, text, each]): RawHeader => ({ name, value: mutated(Buffer.from(text), each) }))
  const value = fc.oneof(
    any.json.map((each) => Buffer.from(stringifyJson(each))),
    fc.uint8Array().map(Buffer.from),
  )
  fc.assert(
    fc.property(value, fc.array(header, { maxLength: 8 }), (bytes, headers) => look(null, bytes, headers)),
    { numRuns: runs },
  )
})
