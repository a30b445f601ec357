/**
 * Inputs that are wrong in every way somebody has thought of: each ends with one code, as a record whose format the workflow names and,
 * where there is a media type, as one that says so itself. No crash, no hang, nothing that outlives it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../../src/base/error.ts'
import { decode, type Wanted } from '../../src/envelope/decode.ts'
import type { FormatSpec } from '../../src/envelope/format.ts'
import type { RawHeader, RawRecord } from '../../src/envelope/record.ts'
import { type Case, casesOf, corpusFile } from './cases.ts'

const valueBytesMax = 2 * 1024 * 1024
const hangMs = 1000
/** Of the whole corpus, when all of it is done. */
const growthBytesMax = 64 * 1024 * 1024

interface Door {
  readonly spec: FormatSpec | null
  readonly contentType: string | null
}

const doors: Readonly<Record<string, Door>> = {
  json: { spec: { kind: 'json' }, contentType: 'application/json' },
  json5: { spec: { kind: 'json5' }, contentType: 'application/json5' },
  yaml: { spec: { kind: 'yaml' }, contentType: 'application/yaml' },
  xml: { spec: { kind: 'xml' }, contentType: 'application/vnd.film+xml; charset=utf-8' },
  csv: { spec: { kind: 'csv', columns: null, delimiter: ',' }, contentType: 'text/csv' },
  form: { spec: { kind: 'form' }, contentType: 'application/x-www-form-urlencoded' },
  msgpack: { spec: { kind: 'msgpack' }, contentType: 'application/msgpack' },
  cbor: { spec: { kind: 'cbor' }, contentType: 'application/cbor' },
  avro: { spec: { kind: 'avro', schema: corpusFile('avro/schema.avsc') }, contentType: null },
  cloudevents: { spec: null, contentType: 'application/cloudevents+json' },
}

function record(value: Buffer, contentType: string | null): RawRecord {
  const headers: RawHeader[] = contentType === null ? [] : [{ name: 'content-type', value: Buffer.from(contentType) }]
  return { offset: 1, key: null, value, headers, timestampUs: 0, fetchedUs: 0 }
}

function outcomeOf(raw: RawRecord, wanted: Wanted): string {
  const startedMs = performance.now()
  try {
    decode(raw, 'corpus/0/1', valueBytesMax, wanted)
    return 'it was read'
  } catch (error) {
    if (error instanceof EngineError && !error.retryable) return error.code
    throw error
  } finally {
    const tookMs = performance.now() - startedMs
    assert.ok(tookMs < hangMs, `it took ${Math.round(tookMs)} ms`)
  }
}

function check({ value, code }: Case, { spec, contentType }: Door): void {
  if (spec !== null) assert.equal(outcomeOf(record(value, null), { format: spec }), code)
  if (contentType !== null) assert.equal(outcomeOf(record(value, contentType), { format: null }), code)
}

const prototypes = [Object.prototype, Array.prototype, Function.prototype]
const namesBefore = prototypes.map((each) => Reflect.ownKeys(each).length)
const heapBefore = heapBytes()

for (const [folder, door] of Object.entries(doors)) {
  test(`${folder}: each bad input has the one outcome that it should`, async (t) => {
    for (const each of casesOf(folder)) await t.test(each.name, () => check(each, door))
  })
}

test('nothing of it is left: no prototype has a name more, and memory is as it was', () => {
  assert.deepEqual(
    prototypes.map((each) => Reflect.ownKeys(each).length),
    namesBefore,
  )
  assert.ok(heapBytes() - heapBefore < growthBytesMax, `${heapBytes() - heapBefore} bytes more`)
})

function heapBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
