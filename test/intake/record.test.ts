/** What the Kafka client gives, taken as it may come rather than as its types say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KafkaMessage } from 'kafkajs'
import { recordOf } from '../../src/intake/record.ts'

function message(what: Record<string, unknown>): KafkaMessage {
  const plain = { key: null, value: Buffer.from('1'), timestamp: '1000', attributes: 0, offset: '12', headers: {} }
  return { ...plain, ...what } as unknown as KafkaMessage
}

const stamps: readonly [string, number | null][] = [
  ['1777629600000', 1777629600000000],
  ['-1', null],
  ['0', null],
  // In nanoseconds, and the largest that Kafka's format can say.
  ['1777629600000000000', null],
  ['9223372036854775807', null],
]
for (const [timestamp, expected] of stamps) {
  test(`a stamp of ${timestamp} ms is ${expected} µs`, () => {
    assert.equal(recordOf(message({ timestamp }), 5).timestampUs, expected)
  })
}

test('headers: repeated ones are kept apart, texts become bytes, null is empty', () => {
  const { headers } = recordOf(message({ headers: { a: [Buffer.from('1'), '2'], b: null, c: undefined, d: 'x' } }), 5)
  assert.deepEqual(
    headers.map(({ name, value }) => `${name}=${value.toString()}`),
    ['a=1', 'a=2', 'b=', 'd=x'],
  )
})
