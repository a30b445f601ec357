/** When those that rest are looked for, and when not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lane } from '../../src/coordinator/lane.ts'
import { defaultLimits } from '../../src/coordinator/limits.ts'
import type { Ledger } from '../../src/coordinator/ports.ts'
import { Rests } from '../../src/coordinator/rests.ts'

test('given a lane that goes to another coordinator, when a rest of it is due, then no timer is set for it', async () => {
  const timers: (() => void)[] = []
  const lane = { laneId: 1, closed: false, draining: false }
  const rests = new Rests({
    ledger: { due: async () => [], nextDue: async () => 5000 } as unknown as Ledger,
    clock: {
      nowUs: () => 0,
      steadyUs: () => 0,
      after: (_, act) => {
        timers.push(act)
        return () => undefined
      },
    },
    limits: defaultLimits,
    signal: new AbortController().signal,
    running: () => 0,
    wake: () => undefined,
    onBroken: (error) => assert.fail(error),
  })
  rests.opened(lane as unknown as Lane)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(timers.length, 1)
  lane.draining = true
  timers[0]?.()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(timers.length, 1)
})
