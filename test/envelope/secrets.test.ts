/** Secret fields: in memory apart, in the ledger sealed, whatever form the event has. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { Envelope } from '../../src/envelope/envelope.ts'
import { type Json, parseJson, stringifyJson } from '../../src/envelope/json.ts'
import { createSealer } from '../../src/envelope/seal.ts'
import { textWithSealed, withOpened } from '../../src/envelope/sealed-fields.ts'
import { overlap, parseSecretPath, type SecretPath } from '../../src/envelope/secret-path.ts'
import { concealed } from '../../src/envelope/secrets.ts'
import { fc } from '../support/fuzz.ts'

const sealer = createSealer('a long random text')
const canary = 'canary-4111'

function pathsOf(...texts: string[]): SecretPath[] {
  return texts.map((text) => {
    const path = parseSecretPath(text)
    assert.ok(path, text)
    return path
  })
}

function eventOf(data: Json, meta: Record<string, string> = {}): Envelope {
  return { id: 'e', type: null, source: null, time: '2026-01-01T00:00:00.000Z', key: null, meta, auth: null, data }
}

function stored(text: string): Envelope {
  return { ...(parseJson(text) as unknown as Envelope), id: 'e', auth: null }
}

test('a path is read as it is written, and what is none is not', () => {
  const good: [string, SecretPath['segments']][] = [
    ['data', []],
    ['data.card', ['card']],
    ['data.cards[*].number', ['cards', null, 'number']],
    ['data["odd name"].x-y', ['odd name', 'x-y']],
    ['meta.X-Card', ['x-card']],
    ['meta["a.b"]', ['a.b']],
  ]
  for (const [text, segments] of good) assert.deepEqual(parseSecretPath(text)?.segments, segments, text)
  const bad = [
    '',
    'card',
    'event.data.card',
    'data.',
    'data..a',
    'data[0]',
    'data["a]',
    'meta',
    'meta.a.b',
    'meta[*]',
    'datax',
  ]
  for (const text of bad) assert.equal(parseSecretPath(text), null, text)
})

test('one place inside of another is told, lists or not', () => {
  const overlaps = (a: string, b: string) => overlap(...(pathsOf(a, b) as [SecretPath, SecretPath]))
  assert.ok(overlaps('data.card', 'data.card.number'))
  assert.ok(overlaps('data.cards[*].number', 'data.cards.number'))
  assert.ok(overlaps('data', 'data.a'))
  assert.ok(!overlaps('data.a', 'data.b'))
  assert.ok(!overlaps('data.a', 'meta.a'))
})

/** path -> events whose canary must be hidden. */
const hiding: readonly [string, Json][] = [
  ['data.card', { card: canary }],
  ['data.card', { card: { number: canary, months: [1, canary] } }],
  ['data.card', [{ card: canary }, { other: 1, card: canary }]],
  ['data.card.number', { card: canary }],
  ['data.card.number', canary],
  ['data.cards[*].number', { cards: [{ number: canary }, { number: canary, kind: 'debit' }] }],
  ['data.cards[*].number', { cards: { number: canary } }],
  ['data.cards[*].number', { cards: { a: { number: canary } } }],
  ['data.cards.number', { cards: [[{ number: canary }]] }],
  ['data', { anything: [canary] }],
  ['data.__proto__', JSON.parse(`{"__proto__":"${canary}"}`)],
  ['data.card', { card: { $sealed: canary } }],
  ['data.card.number', { card: { $sealed: canary } }],
]
for (const [path, data] of hiding) {
  test(`${path} hides what it names in ${stringifyJson(data).slice(0, 60)}`, () => {
    const paths = pathsOf(path)
    const event = concealed(eventOf(data), paths)
    for (const text of [stringifyJson(event.data), inspect(event, { depth: 9 }), JSON.stringify(event)]) {
      assert.ok(!text.includes(canary), text)
    }
    const text = textWithSealed(event, paths, sealer, 't1')
    assert.ok(!text.includes(canary), text)
    const again = withOpened(stored(text), paths, sealer, 't1')
    assert.deepEqual(again.data, event.data)
    assert.deepEqual(again.secrets?.all(again).data, data)
  })
}

test('a header is hidden, and what is not there or null stays as it is', () => {
  const paths = pathsOf('meta.x-card', 'meta.gone', 'data.card', 'data.none.at.all')
  const meta = Object.assign(Object.create(null), { 'x-card': canary, plain: 'seen', $sealed: 'x' })
  const event = concealed(eventOf({ card: null, plain: 9007199254740993n }, meta), paths)
  assert.deepEqual({ ...event.meta }, { 'x-card': '[secret]', plain: 'seen', $sealed: 'x' })
  assert.deepEqual(event.data, { card: null, plain: 9007199254740993n })
  const text = textWithSealed(event, paths, sealer, 't1')
  assert.ok(!text.includes(canary))
  const again = withOpened(stored(text), paths, sealer, 't1')
  assert.deepEqual({ ...again.secrets?.all(again).meta }, { ...meta })
})

test('only the fields that are asked for are shown', () => {
  const paths = pathsOf('data.card', 'data.pin')
  const event = concealed(eventOf({ card: '4111', pin: '1234', n: 1 }), paths)
  assert.deepEqual(event.secrets?.reveal(event, paths.slice(0, 1)).data, { card: '4111', pin: '[secret]', n: 1 })
  assert.deepEqual(event.data, { card: '[secret]', pin: '[secret]', n: 1 })
})

test('what is sealed opens in its own place, for its own transaction and key, and nowhere else', () => {
  const paths = pathsOf('data.a', 'data.b')
  const text = textWithSealed(concealed(eventOf({ a: 'one', b: 'two' }), paths), paths, sealer, 't1')
  const { a, b } = stored(text).data as Record<string, Json>
  const wrong: [Envelope, string, ReturnType<typeof createSealer> | null][] = [
    [stored(text), 't2', sealer],
    [stored(text), 't1', createSealer('another long text')],
    [stored(text), 't1', null],
    [{ ...stored(text), data: { a: b!, b: a! } }, 't1', sealer],
    [{ ...stored(text), data: { a: 'one', b: b! } }, 't1', sealer],
    [{ ...stored(text), data: { a: { $sealed: '' }, b: b! } }, 't1', sealer],
  ]
  for (const [event, id, key] of wrong) {
    assert.throws(() => withOpened(event, paths, key, id), { code: 'seal_broken' })
  }
})

test('whatever the event and the paths, it is opened as it was sealed', () => {
  const name = fc.constantFrom('a', 'b', '$sealed', '__proto__', '')
  const json = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.boolean()),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(name, tie('value')), { maxLength: 3 }).map((fields) => JSON.parse(objectOf(fields))),
    ),
  })).value
  const segments = fc.array(fc.oneof(name, fc.constant(null)), { maxLength: 4 })
  const path = segments.map((each) => ({ text: JSON.stringify(each), root: 'data', segments: each }) as SecretPath)
  fc.assert(
    fc.property(json, fc.array(path, { maxLength: 3 }), (data, paths) => {
      const event = concealed(eventOf(data), paths)
      const again = withOpened(stored(textWithSealed(event, paths, sealer, 't1')), paths, sealer, 't1')
      const whole = again.secrets?.all(again) ?? again
      assert.deepEqual(whole.data, JSON.parse(JSON.stringify(data)))
      assert.deepEqual(again.data, concealed(eventOf(whole.data), paths).data)
    }),
  )
})

function objectOf(fields: readonly (readonly [string, Json])[]): string {
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`
}
