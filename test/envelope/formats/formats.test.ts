/** What each format means by itself: its numbers, its times, its bytes, and what it cannot say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import JSON5 from 'json5'
import YAML from 'yaml'
import type { Format } from '../../../src/envelope/format.ts'
import { formatOfContentType, plainFormats } from '../../../src/envelope/formats/all.ts'
import { avroFormat, avroType, decodeAvro, encodeAvro } from '../../../src/envelope/formats/avro.ts'
import { csv, plainCsv } from '../../../src/envelope/formats/csv.ts'
import { type Json, stringifyJson } from '../../../src/envelope/json.ts'
import { fc } from '../../support/fuzz.ts'

const { json, json5, yaml, xml, form, msgpack, cbor, raw } = plainFormats
const hex = (text: string) => Buffer.from(text, 'hex')

const readings: readonly (readonly [string, Format, string | Buffer, Json])[] = [
  [
    'JSON5 numbers',
    json5,
    '[+.5, -0x1F, 5., 1e3, 12345678901234567890, .12345678901234567890]',
    [0.5, -31, 5, 1000, 12345678901234567890n, '0.12345678901234567890'],
  ],
  ['JSON5 texts', json5, "'a\\\nb\\x41\\u{1F600}\u2028'", 'abA\u{1F600}\u2028'],
  [
    'YAML numbers',
    yaml,
    '[0x1F, 0o17, +1, .5, 5., -.5e3, 12345678901234567890, 0.12345678901234567890]',
    [31, 15, 1, 0.5, 5, -500, 12345678901234567890n, '0.12345678901234567890'],
  ],
  [
    'YAML words',
    yaml,
    '[yes, no, on, true, ~, null, 2001-12-14, 012]',
    ['yes', 'no', 'on', true, null, null, '2001-12-14', 12],
  ],
  [
    'YAML names',
    yaml,
    '{1: a, true: b, ~: c, __proto__: d}',
    JSON.parse('{"1":"a","true":"b","~":"c","__proto__":"d"}'),
  ],
  ['an empty YAML text', yaml, '', null],
  ['a YAML text with a mark', yaml, '\uFEFFa: 1', { a: 1 }],
  ['XML without a declaration', xml, '<a/>', { a: '' }],
  ['XML with attributes alone', xml, '<a b="1"/>', { a: { '@b': '1' } }],
  ['XML text between elements', xml, '<a>x<b>1</b>y</a>', { a: { b: '1', '#text': 'xy' } }],
  ['XML CDATA and references', xml, '<a><![CDATA[<b>]]>&#65;&lt;</a>', { a: '<b>A<' }],
  [
    'XML names that are dangerous elsewhere',
    xml,
    '<a><__proto__>1</__proto__><constructor>2</constructor></a>',
    { a: JSON.parse('{"__proto__":"1","constructor":"2"}') },
  ],
  ['XML with prefixes', xml, '<a xmlns:x="u"><x:b/></a>', { a: { '@xmlns:x': 'u', 'x:b': '' } }],
  ['a form without equals signs', form, 'a&b=&=c', { a: '', b: '', '': 'c' }],
  ['an empty form', form, '', {}],
  ['CSV quotes', csv(plainCsv), 'a,"b ""c"", d",\r\n', ['a', 'b "c", d', '']],
  ['a CSV line break inside quotes', csv(plainCsv), '"a\nb",c', ['a\nb', 'c']],
  [
    'CSV columns',
    csv({ columns: ['a', '__proto__'], delimiter: '\t' }),
    '1\t2',
    JSON.parse('{"a":"1","__proto__":"2"}'),
  ],
  [
    'MessagePack integers of 64 bits',
    msgpack,
    hex('92cfffffffffffffffffd38000000000000000'),
    [18446744073709551615n, -9223372036854775808n],
  ],
  ['a MessagePack double that is an integer', msgpack, hex('cb43d0000000000000'), 4611686018427387904n],
  [
    'MessagePack times',
    msgpack,
    hex('93d6ff00000001d7ff000000040000000ac70cff00000001ffffffffffffffff'),
    ['1970-01-01T00:00:01.000Z', '1970-01-01T00:00:10.000000001Z', '1969-12-31T23:59:59.000000001Z'],
  ],
  ['MessagePack bytes', msgpack, hex('c4020001'), { base64: 'AAE=' }],
  [
    'CBOR big integers',
    cbor,
    hex('82c249010000000000000000c349010000000000000000'),
    [18446744073709551616n, -18446744073709551617n],
  ],
  [
    'CBOR integers of 64 bits',
    cbor,
    hex('821bffffffffffffffff3bffffffffffffffff'),
    [18446744073709551615n, -18446744073709551616n],
  ],
  ['CBOR decimals', cbor, hex('83c48221196ab3c4822038c8c4820205'), ['273.15', '-20.1', '500']],
  [
    'CBOR times',
    cbor,
    hex('82c11a514b67b0c1fb41d452d9e2000000'),
    ['2013-03-21T20:04:00.000Z', '2013-03-21T20:03:20.000Z'],
  ],
  ['CBOR of unknown length', cbor, hex('bf61619f01ff6162f7ff'), { a: [1], b: null }],
  ['raw text', raw, 'žluť', 'žluť'],
  ['raw bytes', raw, hex('ff00'), { base64: '/wA=' }],
  ['raw text with a NUL', raw, hex('6100'), { base64: 'YQA=' }],
]
for (const [name, format, bytes, expected] of readings) {
  test(`reads ${name}`, () => assert.deepEqual(format.decode(Buffer.from(bytes as string)), expected))
}

const unwritable: readonly (readonly [string, Format, Json])[] = [
  ['XML: two roots', xml, { a: '1', b: '2' }],
  ['XML: a list as root', xml, { a: [] }],
  ['XML: a text alone', xml, 'a'],
  ['XML: null', xml, { a: { b: null } }],
  ['XML: an empty list', xml, { a: { b: [] } }],
  ['XML: a list in a list', xml, { a: { b: [['c']] } }],
  ['XML: a name that is none', xml, { a: { 'b c': '1' } }],
  ['XML: a control character', xml, { a: '\u0001' }],
  ['XML: an attribute that is an object', xml, { a: { '@b': {} } }],
  ['form: a list', form, ['a']],
  ['form: an object inside', form, { a: { b: 1 } }],
  ['form: null', form, { a: null }],
  ['CSV: an object without columns', csv(plainCsv), { a: 1 }],
  ['CSV: a column that is missing', csv({ columns: ['a', 'b'], delimiter: ',' }), { a: 1 }],
  ['CSV: a field of no column', csv({ columns: ['a'], delimiter: ',' }), { a: 1, b: 2 }],
  ['CSV: a list in a field', csv(plainCsv), [[1]]],
  ['MessagePack: an integer of 65 bits', msgpack, 2n ** 64n],
  ['raw: an object', raw, { a: 1 }],
]
for (const [name, format, value] of unwritable) {
  test(`cannot write ${name}`, () => assert.throws(() => format.encode(value), { code: 'value_not_writable' }))
}

test('integers are written as integers, so that a reader in another language has them so', () => {
  assert.equal(msgpack.encode(2 ** 40).toString('hex'), 'cf0000010000000000')
  assert.equal(msgpack.encode(-(2 ** 40)).toString('hex'), 'd3ffffff0000000000')
  assert.equal(cbor.encode(2 ** 40).toString('hex'), '1b0000010000000000')
})

test('JSON5 is read as its own library reads it, wherever a double says all of a number', () => {
  const value = fc.jsonValue({ maxDepth: 4, noUnicodeString: false })
  fc.assert(
    fc.property(value, fc.constantFrom("'", '"'), fc.constantFrom('', '\t'), (given, quote, space) => {
      const text = JSON5.stringify(given, { quote, space })
      assert.equal(stringifyJson(json5.decode(Buffer.from(text))), JSON.stringify(JSON5.parse(text)))
    }),
  )
})

test('YAML is read as its own library writes it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3, noUnicodeString: false }), fc.boolean(), (given, isFlow) => {
      const document = new YAML.Document(given)
      if (isFlow && YAML.isCollection(document.contents)) document.contents.flow = true
      const text = document.toString({ lineWidth: 40 })
      fc.pre(text.length < 60_000 && !JSON.stringify(given).includes('"<<":'))
      assert.equal(stringifyJson(yaml.decode(Buffer.from(text))), JSON.stringify(given))
    }),
  )
})

const click = JSON.stringify({
  type: 'record',
  name: 'Click',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'price', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }] },
    { name: 'fixed', type: { type: 'fixed', name: 'Cents', size: 4, logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'clock', type: { type: 'int', logicalType: 'time-millis' } },
    { name: 'local', type: { type: 'long', logicalType: 'local-timestamp-millis' } },
    { name: 'span', type: { type: 'fixed', name: 'Span', size: 12, logicalType: 'duration' } },
    { name: 'body', type: 'bytes' },
    { name: 'either', type: ['int', 'string'] },
    { name: 'number', type: ['int', 'long'] },
    { name: 'tags', type: { type: 'map', values: { type: 'array', items: 'long' } } },
    { name: 'strange', type: { type: 'string', logicalType: 'of-nobody' } },
  ],
})
const clicked = {
  ...{ id: 2n ** 62n + 1n, price: '-12.30', fixed: '0.05', at: '2026-05-01T10:00:00.123456Z', day: '1969-12-31' },
  ...{ clock: '23:59:59.999', local: '2026-05-01T10:00:00.000', span: { months: 1, days: 2, millis: 3 } },
  ...{ body: { base64: 'AAE=' }, either: 'a', number: { long: 5 }, strange: 's' },
  tags: JSON.parse('{"__proto__":[1,2]}'),
}

test('Avro: longs, decimals, times, bytes and unions come back as they went', () => {
  const format = avroFormat(click)
  assert.deepEqual(format.decode(format.encode(clicked)), clicked)
})

const misfits: readonly (readonly [string, object, RegExp])[] = [
  ['a decimal of three digits', { price: '1.234' }, /1\.234 at price: its schema wants one of null, decimal/],
  ['a decimal beyond its bytes', { fixed: '99999999.99' }, /at fixed/],
  ['a fraction for a long', { id: 1.5 }, /1\.5 at id: its schema wants long/],
  ['a long of 65 bits', { id: 2n ** 63n }, /at id/],
  ['a time that is none', { at: 'noon' }, /noon at at: its schema wants timestamp-micros/],
  ['a time that is too fine', { at: '2026-05-01T10:00:00.123456789Z' }, /at at/],
  ['a day that is not there', { day: '2026-02-31' }, /at day/],
  ['a text for bytes', { body: 'a' }, /at body: its schema wants bytes/],
  ['a branch that is not said', { number: 5 }, /at number/],
  ['a field that is missing', { id: undefined }, /at id/],
]
for (const [name, change, message] of misfits) {
  test(`Avro refuses ${name}`, () =>
    assert.throws(() => avroFormat(click).encode({ ...clicked, ...change } as Json), {
      code: 'value_not_writable',
      message,
    }))
}

test('Avro: named types of other schemas are known by reference, also one that refers to itself', () => {
  const film = '{"type":"record","name":"Film","namespace":"a","fields":[{"name":"next","type":["null","Film"]}]}'
  const type = avroType('{"type":"record","name":"Click","namespace":"a","fields":[{"name":"film","type":"a.Film"}]}', [
    film,
  ])
  const value = { film: { next: { next: null } } }
  assert.deepEqual(decodeAvro(type, encodeAvro(type, value)), value)
})

test('a media type says the format, whatever its case and parameters', () => {
  const formats: readonly (readonly [string, Format])[] = [
    ['application/json', json],
    ['Application/JSON; charset="UTF-8"', json],
    ['application/problem+json', json],
    ['text/xml', xml],
    ['application/vnd.film.click+xml;v=2', xml],
    ['application/x-www-form-urlencoded', form],
    ['application/x-yaml', yaml],
    ['application/octet-stream', raw],
  ]
  for (const [type, format] of formats) assert.equal(formatOfContentType(type), format, type)
  for (const type of [
    '',
    'json',
    'image/png',
    'multipart/form-data; boundary=x',
    'application/avro',
    'text/xml; charset=utf-16',
  ]) {
    assert.throws(() => formatOfContentType(type), { code: 'content_type_unknown' }, type)
  }
})
