/** Records that are sealed, as what prepares them sees them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Preparer } from '../../src/coordinator/ports.ts'
import { unsealing } from '../../src/coordinator/unsealing.ts'
import type { Prepared, RawRecord } from '../../src/envelope/record.ts'
import { createSealer } from '../../src/envelope/seal.ts'
import { sealedRecord } from '../../src/envelope/sealed-value.ts'

const sealer = createSealer('a long random text')
const plain: RawRecord = {
  offset: 1,
  key: null,
  value: Buffer.from('plain'),
  headers: [],
  timestampUs: 1,
  fetchedUs: 1,
}
const prepared: Prepared = { values: new Map(), auth: new Map() }

function looking(): Preparer & { readonly seen: string[] } {
  const seen: string[] = []
  return {
    seen,
    isReady(record) {
      seen.push(String(record.value))
      return record.prepared !== undefined
    },
    async prepare(record) {
      record.prepared = prepared
    },
  }
}

for (const [name, record] of [
  ['sealed', sealedRecord({ ...plain }, new Set(), sealer)],
  ['as it came', { ...plain }],
] as const) {
  test(`what is ${name} is seen as it was sent, and what is found out stays with it`, async () => {
    const inner = looking()
    const preparer = unsealing(inner, sealer)
    const value = record.value
    assert.equal(preparer.isReady(record, [], 't'), false)
    await preparer.prepare(record, [], 't', new AbortController().signal)
    assert.equal(record.prepared, prepared)
    assert.equal(preparer.isReady(record, [], 't'), true)
    assert.deepEqual(new Set(inner.seen), new Set(['plain']))
    assert.equal(record.value, value)
  })
}

test('what was refused for taking too long is known to be so', () => {
  const preparer = unsealing(looking(), sealer)
  const record = sealedRecord({ ...plain }, new Set(), sealer)
  assert.equal(preparer.isReady(record, [], 't'), false)
  record.prepared = prepared
  assert.equal(preparer.isReady(record, [], 't'), true)
})

test('what cannot be opened is not waited for', async () => {
  const inner = looking()
  const preparer = unsealing(inner, createSealer('another long text'))
  const record = sealedRecord({ ...plain }, new Set(), sealer)
  assert.equal(preparer.isReady(record, [], 't'), true)
  await preparer.prepare(record, [], 't', new AbortController().signal)
  assert.deepEqual(inner.seen, [])
})
