/** A client's message becomes a record, whatever its headers are called. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KafkaMessage } from 'kafkajs'
import { recordOf } from '../../src/intake/record.ts'

/** As kafkajs's decoder gathers them (protocol/recordBatch/record/v0/decoder.js). */
function gathered(pairs: readonly (readonly [string, Buffer | null])[]) {
  let all: Record<string, unknown> = {}
  for (const [name, value] of pairs) {
    const before = all[name]
    const both = Array.isArray(before) ? [...before, value] : [before, value]
    all = { ...all, [name]: before === undefined ? value : both }
  }
  return all
}

for (const name of ['a', '', ...Object.getOwnPropertyNames(Object.prototype)]) {
  test(`a header called ${name}, once and twice, null and not`, () => {
    for (const values of [[Buffer.from('x')], [Buffer.from('x'), Buffer.from('y')], [null], [Buffer.alloc(0), null]]) {
      const headers = gathered(values.map((value) => [name, value] as const))
      const record = recordOf(
        { offset: '0', timestamp: '0', key: null, value: null, headers, attributes: 0 } as unknown as KafkaMessage,
        0,
      )
      assert.deepEqual(
        record.headers,
        values.map((value) => ({ name, value: value ?? Buffer.alloc(0) })),
      )
    }
  })
}
