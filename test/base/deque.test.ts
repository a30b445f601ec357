/** The queue under every inbox: against an array, whatever is done to it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deque } from '../../src/base/deque.ts'
import { fc } from '../support/fuzz.ts'

test('it is what an array would be', () => {
  const step = fc.oneof(
    fc.record({ act: fc.constant('push' as const), item: fc.nat(20) }),
    fc.record({ act: fc.constant('shift' as const), item: fc.constant(0) }),
    fc.record({ act: fc.constant('remove' as const), item: fc.nat(20) }),
    fc.record({ act: fc.constant('clear' as const), item: fc.nat(20) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const deque = new Deque<number>()
      const array: number[] = []
      for (const { act, item } of steps) {
        if (act === 'push') array.push(item)
        if (act === 'push') deque.push(item)
        if (act === 'shift') assert.equal(deque.shift(), array.shift())
        if (act === 'clear' && item % 7 === 3) array.length = 0
        if (act === 'clear' && item % 7 === 3) deque.clear()
        if (act === 'remove') {
          const at = array.indexOf(item)
          if (at >= 0) array.splice(at, 1)
          assert.equal(deque.remove(item), at >= 0)
        }
        assert.deepEqual([...deque], array)
        assert.deepEqual(deque.peek(3), array.slice(0, 3))
        assert.equal(deque.first(), array[0])
        assert.equal(deque.size, array.length)
      }
    }),
  )
})
