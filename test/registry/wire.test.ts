import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EngineError } from '../../src/base/error.ts'
import { typed, untype, unwire, wire } from '../../src/registry/wire.ts'

test('what is wired is unwired', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), fc.uint8Array(), (id, bytes) => {
      const payload = Buffer.from(bytes)
      assert.deepEqual(unwire(wire(id, payload)), { id, payload })
    }),
  )
})

test('paths to message types are as other clients write them', () => {
  const rest = Buffer.from('rest')
  const cases: readonly [readonly number[], string][] = [
    [[0], '00'],
    [[1], '0202'],
    [[1, 0], '040200'],
    [[2, 64], '04048001'],
  ]
  for (const [path, hex] of cases) {
    assert.equal(typed(path, rest).toString('hex'), `${hex}${rest.toString('hex')}`)
    assert.deepEqual(untype(typed(path, rest)), { path, payload: rest })
  }
})

test('whatever else the bytes are, they are refused with a sentence or read, at once', () => {
  const attempt = (read: () => unknown) => {
    try {
      read()
    } catch (error) {
      assert.ok(error instanceof EngineError && error.code === 'wire_format_broken', String(error))
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      attempt(() => unwire(Buffer.from(bytes)))
      attempt(() => untype(Buffer.from(bytes)))
    }),
  )
})

test('what is wrong is said', () => {
  assert.throws(() => unwire(Buffer.from('{"n":1}')), { message: /begins with byte 123, not with 0/ })
  assert.throws(() => unwire(Buffer.from([0, 0, 1])), { message: /it has 3 bytes; expected a zero byte, a schema id/ })
  assert.throws(() => unwire(Buffer.alloc(0)), { message: /it is empty/ })
  assert.throws(() => untype(Buffer.from('ff', 'hex')), { message: /cut off/ })
})
