/** Ids: the same from the same, in the order of time, and believing no producer beyond an hour. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deadLetterId, idempotencyKey, type Origin, transactionId } from '../../src/transaction/ids.ts'
import { baseUs } from './scene.ts'

const origin: Origin = { engine: 'e', workflow: 'w', topic: 't', incarnation: '', partition: 1, offset: 2 }
const hourUs = 3_600_000_000
const msOf = (id: string) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)

test('the same origin and time give the same id, a UUID of version 8', () => {
  const id = transactionId(origin, baseUs, baseUs + 5000)
  assert.equal(transactionId({ ...origin }, baseUs, baseUs + 9000), id, 'the claim counts, not the admission')
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('each part of the origin makes another id, and a dead letter is none of them', () => {
  const others: Partial<Origin>[] = [
    {},
    { engine: 'x' },
    { workflow: 'x' },
    { topic: 'x' },
    { incarnation: 'x' },
    { partition: 9 },
    { offset: 9 },
  ]
  const ids = others.map((other) => transactionId({ ...origin, ...other }, baseUs, baseUs))
  ids.push(deadLetterId(origin, baseUs))
  assert.equal(new Set(ids).size, others.length + 1)
})

const claims: readonly [string, number | null, number][] = [
  ['none', null, 0],
  ['a minute ago', baseUs - 60_000_000, -60_000],
  ['a day ago', baseUs - 24 * hourUs, -3_600_000],
  ['a clock that is ahead', baseUs + 10_000_000, 10_000],
  ['the future', baseUs + hourUs, 0],
  ['a stamp in nanoseconds', baseUs * 1e6, 0],
  ['before 1970', -1, -3_600_000],
]
for (const [name, producedUs, offsetMs] of claims) {
  test(`a producer's claim of ${name} is taken as ${offsetMs} ms from admission`, () => {
    assert.equal(msOf(transactionId(origin, producedUs, baseUs)) - baseUs / 1000, offsetMs)
  })
}

test('ids sort by their time', () => {
  const us = fc.integer({ min: baseUs, max: baseUs + hourUs })
  fc.assert(
    fc.property(us, us, fc.nat(), fc.nat(), (a, b, one, other) => {
      const [first, second] = [
        transactionId({ ...origin, offset: one }, a, a),
        transactionId({ ...origin, offset: other }, b, b),
      ]
      if (Math.floor(a / 1000) < Math.floor(b / 1000)) assert.ok(first < second)
    }),
  )
})

test('an idempotency key is of its transaction and step alone', () => {
  const t = identity(1, 0)
  const keys = [idempotencyKey(t, 'a'), idempotencyKey(t, 'b'), idempotencyKey(identity(2, 0), 'a')]
  assert.equal(new Set(keys).size, 3)
  assert.equal(idempotencyKey(t, 'a'), keys[0])
  assert.match(keys[0]!, /^[0-9a-f]{32}$/)
})

test('a record read again days later, after a restore, has another id and the same keys', () => {
  const [then, now] = [identity(1, 0), identity(1, 3 * 86_400_000_000)]
  assert.notEqual(then.id, now.id)
  assert.equal(idempotencyKey(then, 'a'), idempotencyKey(now, 'a'))
})

function identity(offset: number, laterUs: number) {
  const id = transactionId({ ...origin, offset }, 1_777_629_600_000_000, 1_777_629_600_000_000 + laterUs)
  return { id, position: { topic: origin.topic, partition: origin.partition, offset } }
}
