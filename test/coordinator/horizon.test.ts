/** The mark never stands above an open transaction that is not parked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Horizon } from '../../src/coordinator/horizon.ts'
import { fc } from '../support/fuzz.ts'

const seconds = 1_000_000

test('what is open for long is parked, some at a time, and the mark follows what is left', () => {
  const horizon = new Horizon()
  for (let n = 0; n < 12_000; n++) horizon.add(idOf(n), n)
  let parked = 0
  for (let turn = 0; horizon.lowId() < idOf(12_000); turn++) {
    assert.ok(turn < 100)
    const some = horizon.park(1000 * seconds)
    assert.ok(some.length <= 5000)
    parked += some.length
  }
  assert.equal(parked, 12_000)
  assert.deepEqual(horizon.park(1000 * seconds), [])
})

test('after any adding, ending and parking, each open id is parked or not below the mark', () => {
  const act = fc.record({ at: fc.nat(400), id: fc.nat(1000), what: fc.constantFrom('add', 'remove', 'park') })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 100 }), (acts) => {
      const horizon = new Horizon()
      const open = new Map<string, number>()
      const parked = new Set<string>()
      for (const { at, id, what } of acts) {
        const name = idOf(id)
        if (what === 'park') for (const each of horizon.park(at * seconds)) parked.add(each)
        else if (what === 'add' && !open.has(name)) {
          open.set(name, at * seconds)
          horizon.add(name, at * seconds)
        } else if (what === 'remove' && open.has(name)) {
          horizon.remove(name, open.get(name) as number)
          open.delete(name)
        }
        for (const each of open.keys()) assert.ok(parked.has(each) || each >= horizon.lowId())
      }
    }),
  )
})

function idOf(n: number): string {
  return `0000${String(n).padStart(4, '0')}-0000-8000-8000-000000000000`
}
