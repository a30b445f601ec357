/** What a fetch covers: each offset is a record or is missing for a reason, and none is told twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AbortedTransaction, cover, type Message } from '../../src/intake/cover.ts'
import { fc } from '../support/fuzz.ts'

test('records alone', () => {
  assert.deepEqual(summary(0, [batch(0, ['r', 'r', 'r'])]), { records: [0, 1, 2], missing: [], nextOffset: 3 })
})

test('a batch that begins before our position', () => {
  assert.deepEqual(summary(1, [batch(0, ['r', 'r', 'r'])]), { records: [1, 2], missing: [], nextOffset: 3 })
})

test('what compaction took: before, between, behind, and all of what we asked for', () => {
  const { missing, nextOffset } = summary(2, [batch(4, ['r', '', 'r', '', ''])])
  assert.deepEqual(missing, ['2-3 compacted', '5-5 compacted', '7-8 compacted'])
  assert.equal(nextOffset, 9)
  assert.deepEqual(summary(6, [batch(4, ['r', '', '', ''])]), {
    records: [],
    missing: ['6-7 compacted'],
    nextOffset: 8,
  })
})

test('a control record, also as the last one and alone', () => {
  assert.deepEqual(summary(0, [batch(0, ['r'], 'p'), control(1, 'p', 'commit')]), {
    records: [0],
    missing: ['1-1 control'],
    nextOffset: 2,
  })
  assert.deepEqual(summary(1, [control(1, 'p', 'commit')]), { records: [], missing: ['1-1 control'], nextOffset: 2 })
})

test('of one producer the aborted transaction is left out, the committed ones before and after are not', () => {
  const batches = [
    batch(0, ['r'], 'p'),
    control(1, 'p', 'commit'),
    batch(2, ['r', 'r'], 'p'),
    control(4, 'p', 'abort'),
    batch(5, ['r'], 'p'),
    control(6, 'p', 'commit'),
  ]
  const { records, missing } = summary(0, batches, [{ producerId: 'p', firstOffset: '2' }])
  assert.deepEqual(records, [0, 5])
  assert.deepEqual(missing, ['1-1 control', '2-3 aborted', '4-4 control', '6-6 control'])
})

test('two aborted transactions that both began before our position', () => {
  const batches = [batch(10, ['r'], 'q'), batch(11, ['r'], 'p'), control(12, 'q', 'abort'), control(13, 'p', 'abort')]
  const aborted = [
    { producerId: 'q', firstOffset: '5' },
    { producerId: 'p', firstOffset: '3' },
  ]
  const { records, missing } = summary(10, batches, aborted)
  assert.deepEqual(records, [])
  assert.deepEqual(missing, ['10-11 aborted', '12-13 control'])
})

test('a record outside of transactions is one, whoever aborts around it', () => {
  const batches = [batch(0, ['r'], 'p'), batch(1, ['r']), control(2, 'p', 'abort')]
  assert.deepEqual(summary(0, batches, [{ producerId: 'p', firstOffset: '0' }]).records, [1])
})

test('Kafka’s formats before 0.11 have no batches', () => {
  const messages = [4, 6].map((offset) => ({ offset: String(offset), key: null }))
  assert.deepEqual(cover(4, messages, []), {
    messages,
    missing: [{ fromOffset: 5, toOffset: 5, reason: 'compacted' }],
    nextOffset: 7,
  })
})

test('whatever lies there, each offset from our position on is told once, in order', () => {
  const kind = fc.constantFrom('r', 'r', 'r', '')
  const part = fc.record({
    offsets: fc.array(kind, { minLength: 1, maxLength: 5 }),
    producer: fc.constantFrom('p', 'q', null),
    end: fc.constantFrom('commit', 'abort', null),
  })
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), fc.nat(12), (parts, skip) => {
      let next = 100
      const batches: Message[][] = []
      for (const { offsets, producer, end } of parts) {
        batches.push(batch(next, offsets, producer))
        next += offsets.length
        if (producer && end) batches.push(control(next++, producer, end as 'commit' | 'abort'))
      }
      const position = 100 + skip
      const { records, ranges, nextOffset } = summaryOf(position, batches, [{ producerId: 'p', firstOffset: '101' }])
      const told = [...records, ...ranges.flatMap(({ fromOffset, toOffset }) => span(fromOffset, toOffset))]
      assert.deepEqual(
        told.sort((a, b) => a - b),
        span(position, nextOffset - 1),
      )
    }),
  )
})

/** `offsets`: 'r' is a record, '' is none; the batch covers them all. */
function batch(firstOffset: number, offsets: readonly string[], producerId: string | null = null): Message[] {
  const batchContext = {
    firstOffset: String(firstOffset),
    lastOffsetDelta: offsets.length - 1,
    producerId: producerId ?? '-1',
    inTransaction: producerId !== null,
    isControlBatch: false,
  }
  return offsets.flatMap((kind, at) =>
    kind === '' ? [] : [{ offset: String(firstOffset + at), key: null, batchContext }],
  )
}

function control(offset: number, producerId: string, type: 'commit' | 'abort'): Message[] {
  const key = Buffer.from([0, 0, 0, type === 'commit' ? 1 : 0])
  const batchContext = {
    firstOffset: String(offset),
    lastOffsetDelta: 0,
    producerId,
    inTransaction: true,
    isControlBatch: true,
  }
  return [{ offset: String(offset), key, batchContext }]
}

function summary(position: number, batches: readonly Message[][], aborted: readonly AbortedTransaction[] = []) {
  const { records, ranges, nextOffset } = summaryOf(position, batches, aborted)
  const missing = ranges.map(({ fromOffset, toOffset, reason }) => `${fromOffset}-${toOffset} ${reason}`)
  return { records, missing, nextOffset }
}

function summaryOf(position: number, batches: readonly Message[][], aborted: readonly AbortedTransaction[]) {
  const { messages, missing, nextOffset } = cover(position, batches.flat(), aborted)
  return { records: messages.map((message) => Number(message.offset)), ranges: missing, nextOffset }
}

function span(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at)
}
