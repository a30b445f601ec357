/** Records whose value is sealed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RawRecord } from '../../src/envelope/record.ts'
import { createSealer } from '../../src/envelope/seal.ts'
import { isSealedRecord, openedRecord, sealedRecord } from '../../src/envelope/sealed-value.ts'

const sealer = createSealer('a long random text')
const secretHeaders = new Set(['x-card'])

function recordOf(value: Buffer | null, headers: readonly [string, string][] = []): RawRecord {
  const all = headers.map(([name, text]) => ({ name, value: Buffer.from(text) }))
  return { offset: 7, key: Buffer.from('k'), value, headers: all, timestampUs: 1, fetchedUs: 2 }
}

for (const value of [Buffer.from('{"card":"canary"}'), Buffer.alloc(0), null, Buffer.from([0xff, 0, 0xfe])]) {
  test(`value and secret headers come back byte for byte: ${value === null ? 'null' : value.toString('hex')}`, () => {
    const record = recordOf(value, [
      ['plain', 'seen'],
      ['X-Card', 'canary'],
      ['X-Card', 'canary too'],
    ])
    const sealed = sealedRecord(record, secretHeaders, sealer)
    assert.ok(isSealedRecord(sealed))
    assert.ok(!JSON.stringify(sealed).includes('canary') && !sealed.value?.includes('canary'))
    assert.deepEqual(
      sealed.headers.map(({ name }) => name),
      ['plain', 'millrace-sealed'],
    )
    const opened = openedRecord(sealed, sealer)
    assert.deepEqual(opened.value, value)
    assert.deepEqual(opened.headers, record.headers)
  })
}

test('what is not sealed is the same record; what is sealed is not sealed again', () => {
  const record = recordOf(Buffer.from('x'))
  assert.equal(openedRecord(record, null), record)
  const sealed = sealedRecord(record, secretHeaders, sealer)
  assert.equal(sealedRecord(sealed, secretHeaders, sealer), sealed)
})

test('who only says that it is sealed has its value sealed, and is not believed when it is opened', () => {
  const liar = recordOf(Buffer.from('canary'), [['millrace-sealed', '1']])
  assert.throws(() => openedRecord(liar, sealer), { code: 'seal_broken' })
  const kept = sealedRecord(liar, secretHeaders, sealer)
  assert.ok(!kept.value?.includes('canary'))
  assert.deepEqual(openedRecord(kept, sealer).value, liar.value)
  assert.throws(() => openedRecord(openedRecord(kept, sealer), sealer), { code: 'seal_broken' })
})

test('without the key, or with another, it does not open', () => {
  const sealed = sealedRecord(recordOf(Buffer.from('x')), secretHeaders, sealer)
  for (const key of [null, createSealer('another long text')]) {
    assert.throws(() => openedRecord(sealed, key), { code: 'seal_broken' })
  }
})
