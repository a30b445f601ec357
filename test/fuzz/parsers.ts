/**
 * The parsers beside those of values (test/envelope/formats/fuzz.test.ts) and of workflow files (test/workflow/fuzz.test.ts): their
 * names, what they take, and what is to hold of what they read.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resources } from '@opentelemetry/sdk-node'
import { loadConfig } from '../../src/config.ts'
import { eventsOfHttp, httpOfBatch, httpOfEvent } from '../../src/envelope/cloudevents/http.ts'
import { createDoorStamps, doorHeader } from '../../src/envelope/door-stamp.ts'
import { momentNanos, momentText } from '../../src/envelope/formats/time.ts'
import { rawHeaders, storedHeaders } from '../../src/envelope/headers.ts'
import { httpPartOf } from '../../src/envelope/http.ts'
import { type Json, stringifyJson } from '../../src/envelope/json.ts'
import { createSealer } from '../../src/envelope/seal.ts'
import { openedRecord, sealedRecord } from '../../src/envelope/sealed-value.ts'
import { parseSecretPath } from '../../src/envelope/secret-path.ts'
import { takeWireSpec } from '../../src/envelope/wire-spec.ts'
import { compile, type Schema } from '../../src/registry/schema.ts'
import { unwire, wire } from '../../src/registry/wire.ts'
import { settings } from '../../src/settings.ts'
import { parseTraceparent, traceparentOf } from '../../src/telemetry/trace/context.ts'
import { functionSpans } from '../../src/telemetry/trace/function-spans.ts'
import { formatDuration, parseDuration } from '../../src/workflow/duration.ts'
import { corpusFile } from '../corpus/cases.ts'
import * as any from '../envelope/formats/any.ts'
import { fc } from '../support/fuzz.ts'
import type { Parser } from './parser.ts'

const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8')
const jsonBytes = (value: Json): Buffer => bytesOf(stringifyJson(value))
const hexDigits = (count: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${count}}$`))

/** A record of which each field may be what it should, or anything; or be missing. */
function nearly(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Json> {
  const loose = Object.entries(fields).map(([name, right]) => [
    name,
    fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: any.json }),
  ])
  return fc.oneof(
    { weight: 3, arbitrary: fc.record(Object.fromEntries(loose)) },
    { weight: 1, arbitrary: fc.record(Object.fromEntries(loose), { requiredKeys: [] }) },
  ) as fc.Arbitrary<Json>
}

const proto =
  'syntax = "proto3"; message Click { int64 id = 1; string film = 2; repeated int32 seats = 3; Click next = 4; map<string, bytes> more = 5; }'
const jsonSchema = '{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"film":{"type":"string"}}}'
const click = nearly({
  id: fc.integer(),
  film: any.text,
  seats: fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 3 }),
})
const avroClick = fc
  .record({
    ...{
      film: any.text,
      seats: fc.array(fc.nat(99), { maxLength: 4 }),
      tags: fc.dictionary(any.text, any.text, { maxKeys: 3 }),
    },
    ...{ price: fc.constantFrom('1.20', null), kind: fc.constantFrom('A', 'B'), next: fc.constant(null) },
    at: fc.constant('2026-05-01T10:00:00.123456Z'),
  })
  .map((each): Json => each)

function ofRegistry(kind: Schema['kind'], text: string, value: fc.Arbitrary<Json>): Parser {
  const schema = compile({ kind, text, references: [] })
  const payload = (each: Json): Buffer => {
    try {
      return schema.encode(each, null)
    } catch {
      return jsonBytes(each)
    }
  }
  return {
    name: `a registry's ${kind}`,
    input: fc.tuple(fc.nat(), value).map(([id, each]) => wire(id, payload(each))),
    parse(bytes) {
      const { id, payload } = unwire(bytes)
      const read = schema.decode(payload)
      assert.ok(id >= 0 && id < 2 ** 32)
      stringifyJson(read)
      return read
    },
  }
}

const event = nearly({
  ...{ specversion: fc.constant('1.0'), id: any.text, source: any.text, type: any.text },
  ...{ time: fc.constant('2026-05-01T10:00:00Z'), data: any.json },
})

function eventsIn(contentType: string, body: Buffer): unknown {
  const found = eventsOfHttp(new Map([['content-type', contentType]]), body)
  // What is read is written again as what is read as the same.
  for (const each of found?.events ?? []) {
    const { headers, body: again } = httpOfEvent(each, 'structured')
    assert.deepEqual(eventsOfHttp(new Map(Object.entries(headers)), again)?.events[0]?.attributes, each.attributes)
  }
  if (found?.mode === 'batch')
    assert.equal(
      eventsOfHttp(new Map([['content-type', contentType]]), httpOfBatch(found.events).body)?.events.length,
      found.events.length,
    )
  return found
}

const header = fc
  .tuple(fc.constantFrom('a', 'A', '__proto__', 'ce_id', 'constructor', ''), fc.uint8Array({ maxLength: 6 }))
  .map(([name, value]) => ({ name, value: Buffer.from(value) }))
const sealer = createSealer('a key that is for fuzzing alone, 32 of them')
const stamps = createDoorStamps('a key that is for fuzzing alone, 32 of them')
const stamped = { value: bytesOf('{}'), headers: [] }
const auth = { principal: 'ann', family: 'apiKey' as const, roles: [], claims: {}, by: {} }
const goodStamp = stamps.stamp({ workflow: 'w', topic: 't', auth, atUs: 1 }, stamped).value
const goodSeal = sealedRecord({ value: bytesOf('{"card":1}'), headers: [] }, new Set(), sealer).value as Buffer

const resource = resources.resourceFromAttributes({})
const stamp = fc.tuple(fc.nat(), fc.nat(999_999_999))
const span = nearly({
  ...{
    traceId: hexDigits(32),
    spanId: hexDigits(16),
    parentSpanId: fc.option(hexDigits(16)),
    name: any.text,
    kind: fc.nat(6),
  },
  ...{
    start: stamp,
    end: stamp,
    status: nearly({ code: fc.nat(3) }),
    attributes: any.json,
    scope: nearly({ name: any.text }),
  },
  events: fc.array(nearly({ name: any.text, time: stamp }), { maxLength: 2 }),
  links: fc.array(nearly({ traceId: hexDigits(32), spanId: hexDigits(16) }), { maxLength: 2 }),
})

/** Gone when the process is. */
const dir = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
const file = join(dir, 'millrace.config.yaml')
const settingName = fc.oneof(
  fc.constantFrom(...Object.keys(settings)),
  fc.constantFrom('toString', 'constructor', '__proto__', 'a.b', ''),
)
const settingValue = fc.oneof(
  fc.constantFrom(
    '1',
    '10s',
    'true',
    'a:1',
    '-1',
    '1e9',
    '[1, 2]',
    '{ a: 1 }',
    '!!js/function x',
    '&a [*a]',
    '0x10',
    '~',
  ),
  any.text,
)

export const parsers: readonly Parser[] = [
  ofRegistry('avro', corpusFile('avro/schema.avsc'), avroClick),
  ofRegistry('protobuf', proto, click),
  ofRegistry('json-schema', jsonSchema, click),
  {
    name: 'a CloudEvent over HTTP',
    input: event.map(jsonBytes),
    parse: (bytes) => eventsIn('application/cloudevents+json', bytes),
  },
  {
    name: 'a batch of CloudEvents over HTTP',
    input: fc.array(event, { maxLength: 4 }).map(jsonBytes),
    parse: (bytes) => eventsIn('application/cloudevents-batch+json', bytes),
  },
  {
    name: 'a CloudEvent in headers of HTTP',
    input: fc
      .array(
        fc.tuple(
          fc.constantFrom('ce-id', 'ce-type', 'ce-source', 'ce-specversion', 'ce-time', 'ce-', 'content-type'),
          fc.constantFrom('1.0', '1', 'a%20b', '%', '"a\\"b"', '2026-05-01T10:00:00Z'),
        ),
        { maxLength: 8 },
      )
      .map((each) => bytesOf(each.map((pair) => pair.join(': ')).join('\n'))),
    parse: (bytes) => {
      const lines = bytes
        .toString('latin1')
        .split('\n')
        .map((line): [string, string] => [line.split(':')[0]!.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
      return eventsOfHttp(new Map(lines), bytes)
    },
  },
  {
    name: 'traceparent',
    input: fc.tuple(hexDigits(2), hexDigits(32), hexDigits(16), hexDigits(2)).map((parts) => bytesOf(parts.join('-'))),
    parse(bytes) {
      const read = parseTraceparent(bytes.toString('utf8'))
      if (read !== null) assert.deepEqual(parseTraceparent(traceparentOf(read)), read)
      return read
    },
  },
  {
    name: 'a duration',
    input: fc
      .tuple(fc.nat(), fc.constantFrom('ms', 's', 'm', 'h', 'd', '1s', ''))
      .map(([n, unit]) => bytesOf(`${n}${unit}`)),
    parse(bytes) {
      const ms = parseDuration(bytes.toString('utf8'))
      if (ms === null) return null
      assert.ok(Number.isSafeInteger(ms) && ms >= 0, `${ms} ms`)
      assert.equal(parseDuration(formatDuration(ms)), ms)
      return ms
    },
  },
  {
    name: 'a moment',
    input: fc.bigInt(-(2n ** 60n), 2n ** 60n).map((nanos) => bytesOf(momentText(nanos) ?? '')),
    parse(bytes) {
      const nanos = momentNanos(bytes.toString('utf8'))
      const text = nanos === null ? null : momentText(nanos)
      if (text !== null) assert.equal(momentNanos(text), nanos)
      return nanos
    },
  },
  {
    name: 'the place of a secret field',
    input: fc
      .array(fc.constantFrom('.card', '[*]', '["odd name"]', '["\\u0041"]', '.__proto__', '[0]'), { maxLength: 5 })
      .map((parts) => bytesOf(`data${parts.join('')}`)),
    parse: (bytes) => parseSecretPath(bytes.toString('utf8')),
  },
  {
    name: 'what the HTTP door says of a request',
    input: nearly({
      method: fc.constant('POST'),
      path: fc.dictionary(any.text, any.text),
      query: fc.dictionary(any.text, any.text),
    }).map(jsonBytes),
    parse: (bytes) => httpPartOf(bytes.toString('utf8')),
  },
  {
    name: 'the stamp of the HTTP door',
    input: fc.constant(goodStamp),
    parse(bytes) {
      const admitted = stamps.open(bytes, 't', { ...stamped, headers: [{ name: doorHeader, value: bytes }] })
      assert.ok(bytes.equals(goodStamp), 'a stamp that was not made')
      return admitted
    },
  },
  {
    name: 'a sealed record',
    input: fc.constant(goodSeal),
    parse(bytes) {
      const opened = openedRecord({ value: bytes, headers: [{ name: 'millrace-sealed', value: bytesOf('1') }] }, sealer)
      assert.ok(bytes.equals(goodSeal), 'a seal that was not made')
      return opened
    },
  },
  {
    name: 'headers as the ledger keeps them',
    input: fc
      .array(header, { maxLength: 6 })
      .map((all) => bytesOf(all.map(({ name, value }) => `${name}:${value.toString('latin1')}`).join('\n'))),
    parse(bytes) {
      const all = bytes
        .toString('latin1')
        .split('\n')
        .map((line) => ({
          name: line.split(':')[0]!.replaceAll('\0', ''),
          value: Buffer.from(line.slice(line.indexOf(':') + 1), 'latin1'),
        }))
      const stored = JSON.parse(JSON.stringify(storedHeaders(all)))
      const byName = (headers: typeof all) =>
        headers.map(({ name, value }) => `${name}:${value.toString('hex')}`).sort()
      assert.deepEqual(byName(rawHeaders(stored) as typeof all), byName(all))
      return stored
    },
  },
  {
    name: 'how a message is to be written',
    input: nearly({
      kind: fc.constantFrom('avro', 'protobuf'),
      subject: any.text,
      version: fc.constantFrom(1, 'latest'),
      message: fc.constant(null),
    }).map(jsonBytes),
    parse: (bytes) => takeWireSpec(JSON.stringify({ 'millrace-wire': bytes.toString('utf8') })),
  },
  {
    name: "spans of an author's code",
    input: fc.array(span, { maxLength: 3 }).map((each) => jsonBytes(each)),
    parse: (bytes) =>
      functionSpans(bytes.toString('utf8'), resource).map(({ name, startTime, duration, attributes }) => ({
        name,
        startTime,
        duration,
        attributes,
      })),
  },
  {
    name: 'the settings file',
    share: 0.5,
    input: fc
      .array(fc.tuple(settingName, settingValue), { maxLength: 3 })
      .map((lines) => bytesOf(lines.map(([name, value]) => `${name}: ${value}`).join('\n'))),
    parse(bytes) {
      writeFileSync(file, bytes)
      const config = loadConfig({}, file)
      assert.ok(!/^(?:toString|constructor|__proto__) *:/m.test(bytes.toString('utf8')), 'a setting that is none')
      return config
    },
  },
]
