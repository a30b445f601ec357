import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EngineError } from '../../src/base/error.ts'
import type { Json } from '../../src/envelope/json.ts'
import { compileProtobuf } from '../../src/registry/protobuf.ts'

const file = `
syntax = "proto3";
package films;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
import "shared/money.proto";

enum Quality { UNKNOWN = 0; SD = 1; HD = 2; }

message Viewer {
  message Address { string city = 1; }
  string name = 1;
  Address address = 2;
}

message Click {
  int64 id = 1;
  uint64 seen = 2;
  string film_title = 3;
  Quality quality = 4;
  bytes token = 5;
  repeated string tags = 6;
  map<string, int32> counts = 7;
  map<int64, string> names = 8;
  optional int32 rating = 9;
  oneof how { string browser = 10; int32 device = 11; }
  google.protobuf.Timestamp at = 12;
  google.protobuf.Duration took = 13;
  google.protobuf.Int64Value views = 14;
  google.protobuf.Struct extra = 15;
  shared.Money price = 16;
  double score = 17;
  bool live = 18;
  Viewer viewer = 19;
}
`
const money = 'syntax = "proto3"; package shared; message Money { string currency = 1; sint64 minor = 2; }'
const schema = compileProtobuf(file, [{ name: 'shared/money.proto', text: money }])

const click: Json = {
  id: 9223372036854775807n,
  seen: 18446744073709551615n,
  film_title: 'Metropolis',
  quality: 'HD',
  token: { base64: 'AAEC' },
  tags: ['a', 'b'],
  counts: { x: 1, y: -2 },
  names: { '-9007199254740993': 'far' },
  rating: 0,
  device: 7,
  at: '2026-05-01T10:00:00.123456Z',
  took: '-1.5s',
  views: 0,
  extra: { list: [1, 'two', null, { deep: true }] },
  price: { currency: 'CZK', minor: -12 },
  score: 0.5,
  live: true,
  viewer: { name: 'ann', address: { city: 'Brno' } },
}

test('a message comes back as it was, whatever its fields are', () => {
  const bytes = schema.encode(click, 'Click')
  assert.equal(bytes.subarray(0, 2).toString('hex'), '0202', 'the second message of the file')
  assert.deepEqual(schema.decode(bytes), click)
})

test('what is not there has its zero, unless it says so itself', () => {
  const empty = schema.decode(schema.encode({}, 'films.Click'))
  assert.deepEqual(empty, {
    ...{ id: 0, seen: 0, film_title: '', quality: 'UNKNOWN', token: { base64: '' }, tags: [], counts: {}, names: {} },
    ...{ score: 0, live: false },
  })
})

test('the first message is meant where nothing is said, and inner ones by their path', () => {
  assert.deepEqual(schema.decode(schema.encode({ name: 'ann' }, null)), { name: 'ann' })
  assert.equal(schema.encode({ name: 'ann' }, null)[0], 0)
  const inner = schema.encode({ city: 'Brno' }, 'Viewer.Address')
  assert.deepEqual(schema.decode(inner), { city: 'Brno' })
  assert.throws(() => schema.decode(Buffer.from([2, 18])), { code: 'schema_invalid', message: /message type 9/ })
})

test('what a message cannot say is refused by its place', () => {
  const refusals: readonly [Json, RegExp][] = [
    [{ id: 1.5 }, /id: its schema wants int64/],
    [{ id: 2n ** 63n }, /id: its schema wants int64/],
    [{ seen: -1 }, /seen: its schema wants uint64/],
    [{ film_title: 7 }, /film_title: its schema wants string/],
    [{ quality: 'UHD' }, /quality: its schema wants one of enum Quality/],
    [{ title: 'x' }, /title, which message Click does not have/],
    [{ viewer: { address: 'Brno' } }, /viewer\.address: its schema wants message Address/],
    [{ tags: 'a' }, /tags: its schema wants a list/],
    [{ counts: { x: 'a' } }, /counts\.x: its schema wants int32/],
    [{ at: 'yesterday' }, /at: its schema wants a Timestamp/],
    ['text', /the value: its schema wants message Click/],
  ]
  for (const [value, message] of refusals) {
    assert.throws(() => schema.encode(value, 'Click'), { code: 'value_not_writable', message })
  }
  assert.throws(() => schema.encode({}, 'Nothing'), { message: /message Nothing, which its schema does not have/ })
})

test('a schema that does not hold says why', () => {
  for (const text of ['message {', 'syntax = "proto3"; message A { Missing m = 1; }', '']) {
    assert.throws(
      () => compileProtobuf(text, []).encode({}, null),
      (error: EngineError) => ['schema_invalid', 'value_not_writable'].includes(error.code),
    )
  }
})

test('bytes that are no such message are refused or read, and nothing else happens', () => {
  const good = schema.encode(click, 'Click')
  const mutated = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }).map((changes) => {
    const bytes = Buffer.from(good)
    for (const [at, byte] of changes) bytes[at] = byte
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 }).map(Buffer.from)), (bytes) => {
      try {
        schema.decode(bytes)
      } catch (error) {
        assert.ok(error instanceof EngineError, (error as Error).stack)
      }
    }),
    { numRuns: 2000 },
  )
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
})

test('messages that nest by the thousand are refused', () => {
  const nesting = compileProtobuf('syntax = "proto3"; message Node { Node next = 1; }', [])
  let bytes = Buffer.alloc(0)
  for (let depth = 0; depth < 3000; depth++) bytes = Buffer.concat([Buffer.from([0x0a]), length(bytes.length), bytes])
  assert.throws(
    () => nesting.decode(Buffer.concat([Buffer.from([0]), bytes])),
    (error) => error instanceof EngineError,
  )
})

function length(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}
