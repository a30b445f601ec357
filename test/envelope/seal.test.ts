/** Credentials at rest. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSealer } from '../../src/envelope/seal.ts'

const sealer = createSealer('a long random text')
const fields = { authorization: 'Bearer žluť', cookie: '' }

test('what is sealed is opened again, is not readable, and never looks the same', () => {
  const sealed = sealer.seal(fields)
  assert.deepEqual(sealer.open(sealed), fields)
  assert.ok(!sealed.includes('Bearer'))
  assert.notDeepEqual(sealer.seal(fields), sealed)
})

test('another key, changed bytes and a stump are seal_broken', () => {
  const sealed = sealer.seal(fields)
  const changed = Buffer.from(sealed)
  changed.writeUInt8(changed.readUInt8(35) ^ 1, 35)
  for (const act of [
    () => createSealer('another').open(sealed),
    () => sealer.open(changed),
    () => sealer.open(sealed.subarray(0, 10)),
    () => sealer.open(Buffer.alloc(0)),
  ]) {
    assert.throws(act, { code: 'seal_broken' })
  }
})
