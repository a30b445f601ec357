/** Numbers of commits grow, whatever the clock does, and no two coordinators give out the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommitIds } from '../../src/coordinator/commit-ids.ts'

const nowUs = Date.parse('2026-11-03T10:00:00.500Z') * 1000

test('the high half is the seconds since 2020', () => {
  const seconds = Number(new CommitIds(7).next(nowUs) >> 32n)
  assert.equal(new Date(Date.UTC(2020, 0, 1) + seconds * 1000).toISOString(), '2026-11-03T10:00:00.000Z')
})

test('they grow by the thousand within a second, and while the clock is set back', () => {
  const ids = new CommitIds(2 ** 20 + 3)
  const all = Array.from({ length: 10_000 }, (_, at) => ids.next(at % 2 === 0 ? nowUs : nowUs - 3_600_000_000))
  assert.ok(all.every((id, at) => at === 0 || id > (all[at - 1] as bigint)))
  assert.ok(all.every((id) => ((id >> 12n) & 0xfffffn) === 3n))
})

test('those of two sessions are never the same', () => {
  const [a, b] = [new CommitIds(1), new CommitIds(2)]
  const all = Array.from({ length: 9000 }, (_, at) => (at % 2 === 0 ? a : b).next(nowUs))
  assert.equal(new Set(all).size, all.length)
})
