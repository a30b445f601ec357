/** The one request that is written by hand: its bytes, and what is read of an answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FlexibleReader, FlexibleWriter } from '../../src/intake/flexible.ts'
import { decodeResponse, encodeRequest } from '../../src/intake/topic-ids.ts'
import { fc } from '../support/fuzz.ts'

test('the request, byte by byte', () => {
  const noId = '00'.repeat(16)
  const expected = ['00', '03', noId, '02', '61', '00', noId, '03', '6262', '00', '00', '00', '00'].join('')
  assert.equal(encodeRequest(['a', 'bb']).toString('hex'), expected)
})

test('of an answer the ids of those that are there', () => {
  const ids = decodeResponse(
    answer([topic('films', 0, 'c48e8362eef84716aecea87cc3314f16'), topic('gone', 3, '00'.repeat(16))]),
  )
  assert.deepEqual([...ids], [['films', 'c48e8362-eef8-4716-aece-a87cc3314f16']])
})

test('a topic without an id, as a broker without ids has them', () => {
  assert.deepEqual([...decodeResponse(answer([topic('films', 0, '00'.repeat(16))]))], [['films', '']])
})

test('an answer that is cut off is no answer', () => {
  const whole = answer([topic('films', 0, 'ff'.repeat(16))])
  for (let length = 0; length < whole.length - 1; length++) {
    assert.throws(() => decodeResponse(whole.subarray(0, length)), RangeError, `${length} bytes`)
  }
})

test('texts and lists of any length are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 400 }), { maxLength: 300 }), (texts) => {
      const written = new FlexibleWriter()
      written.array(texts, (text) => written.string(text))
      const from = new FlexibleReader(written.noTags().end())
      assert.deepEqual(
        from.array(() => from.string()),
        texts,
      )
      from.tags()
    }),
  )
})

interface Topic {
  readonly name: string
  readonly error: number
  readonly id: string
}

function topic(name: string, error: number, id: string): Topic {
  return { name, error, id }
}

function answer(topics: readonly Topic[]): Buffer {
  const to = new FlexibleWriter()
  to.noTags().bytes(int32(0)) // header, throttle time
  to.array([1], (id) => to.bytes(int32(id)).string('localhost').bytes(int32(9092)).bytes(Buffer.of(0)).noTags())
  to.string('cluster').bytes(int32(1))
  to.array(topics, ({ name, error, id }) => {
    to.bytes(Buffer.of(0, error)).string(name).bytes(Buffer.from(id, 'hex')).boolean(false)
    to.array([0, 1], (partition) => {
      to.bytes(Buffer.of(0, 0)).bytes(int32(partition)).bytes(int32(1)).bytes(int32(0))
      for (const replicas of [[1], [1], []]) to.array(replicas, (each) => to.bytes(int32(each)))
      // A tagged field of a version to come.
      to.bytes(Buffer.of(1, 9, 2, 0xaa, 0xbb))
    })
    to.bytes(int32(-2147483648)).noTags()
  })
  return to.noTags().end()
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
