/** Some hundreds of seeds in every gate: other ones are looked at with `npm run simulate`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './run.ts'

const seeds = 250

test(`whatever happens under ${seeds} seeds, every promise is kept`, { timeout: 240_000 }, async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const { failure } = await run(seed)
    assert.equal(failure, null, `${failure?.message}\n  npm run simulate -- --seed ${seed} --trace`)
  }
})

test('the same seed is the same run, and another is another', async () => {
  for (const seed of [1, 2, 3, 1000]) {
    const [first, second, other] = [await run(seed), await run(seed), await run(seed + 1)]
    assert.equal(first.hash, second.hash, `seed ${seed}`)
    assert.deepEqual([first.steps, first.met], [second.steps, second.met])
    assert.notEqual(first.hash, other.hash)
  }
})
