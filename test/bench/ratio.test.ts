/** A change that makes the engine twice as slow is seen here; smaller ones by `npm run bench`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { committed, measureSmoke } from '../../bench/commit.ts'
import { Ground } from '../../bench/ground.ts'

test('the engine drains at least half as fast, beside the floor, as when the ratio was written down', async (t) => {
  const ground = await Ground.start(null, () => undefined)
  try {
    const { ratio, ratios, floor, engine } = await measureSmoke(ground, 3, () => undefined)
    const { ratio: before, at } = committed()
    const rate = (perSecond: number) => Math.round(perSecond)
    const measured = `${ratio.toFixed(3)} of the floor (${ratios.map((each) => each.toFixed(3)).join(' ')})`
    t.diagnostic(`${rate(engine.drained.perSecond)} a second, floor ${rate(floor.drained.perSecond)}: ${measured}`)
    assert.ok(ratio >= before / 2, `${measured}; on ${at.slice(0, 10)} it was ${before}`)
  } finally {
    await ground.stop()
  }
})
