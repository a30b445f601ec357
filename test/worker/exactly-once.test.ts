/** Whatever functions do to themselves and to each other, every invocation ends in exactly one result. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { fc } from '../support/fuzz.ts'
import { bench } from './harness.ts'

const kinds = [
  { function: 'echo', input: '{"a":1}', outcomes: ['ok'] },
  { function: 'throws', input: '{}', outcomes: ['retry'] },
  { function: 'exits', input: 'null', outcomes: ['crash', 'lost'] },
  { function: 'garbles', input: 'null', outcomes: ['crash', 'lost'] },
  { function: 'kills-itself', input: 'null', outcomes: ['crash', 'lost'] },
  { function: 'hangs', input: 'null', outcomes: ['timeout', 'lost'] },
  { function: 'blocks', input: 'true', outcomes: ['timeout', 'lost'] },
  { function: 'blocks', input: 'false', outcomes: ['ok', 'timeout', 'lost'] },
  { function: 'stray', input: '"promise"', outcomes: ['retry'] },
  { function: 'returns', input: '"large"', outcomes: ['fail'] },
] as const

const mix = fc.array(fc.record({ kind: fc.constantFrom(...kinds), alone: fc.boolean(), cancelled: fc.boolean() }), {
  minLength: 1,
  maxLength: 60,
})

it('every invocation of a random mix ends once, in an outcome its function can have', { timeout: 60_000 }, async () => {
  await using at = await bench({ limits: { processesMax: 4, sweepMs: 50 } })
  let ids = 0
  await fc.assert(
    fc.asyncProperty(mix, async (parts) => {
      const coming = at.runAll(parts.map(({ kind, alone }) => ({ ...kind, alone, timeoutMs: 300 })))
      for (const { cancelled } of parts) if (++ids && cancelled) at.pool.cancel(ids)
      const results = await coming
      for (const [n, { outcome, errorCode }] of results.entries()) {
        const { kind, cancelled } = parts[n]!
        const allowed: readonly string[] = kind.outcomes
        // Of what ran already, only its function's own end is known.
        const gaveUp = cancelled && outcome === 'fail' && errorCode === 'aborted'
        assert.ok(
          errorCode === 'cancelled' || gaveUp || allowed.includes(outcome),
          `${kind.function}: ${outcome} ${errorCode}`,
        )
      }
      const { waiting, running } = at.pool.stats()
      assert.deepEqual({ waiting, running }, { waiting: 0, running: 0 })
    }),
    { numRuns: 5, endOnFailure: true },
  )
  assert.equal(at.results.length, ids)
})
