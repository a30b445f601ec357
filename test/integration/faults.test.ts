/**
 * The short form of `npm run faults`: in one arena a coordinator is killed, one stands still past its session, commits are
 * cut, and one record in a hundred is bad. The oracle is that of the long form.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startGround } from '../faults/ground.ts'
import { Random } from '../faults/random.ts'
import type { Room } from '../faults/row.ts'
import { afterKillSecondsMax, killOne, stopOne } from '../faults/rows/coordinators.ts'
import { errandKill } from '../faults/rows/errands.ts'
import { behindProxy, cutOne } from '../faults/rows/network.ts'
import { oneBadIn } from '../faults/rows/records.ts'

const events = 2000

test('a kill, a stop, cut commits and bad records: nothing lost, doubled, out of order or charged twice', {
  timeout: 230_000,
}, async (t) => {
  const ground = await startGround({ own: false })
  let failed = true
  after(() => ground.stop(failed))
  const seed = String(Math.trunc(Math.random() * 2 ** 31))
  t.diagnostic(`seed ${seed}`)
  const room: Room = { ground, rounds: 1, events, random: new Random(seed), tell: (text) => t.diagnostic(text) }
  const options = {
    name: 'short',
    perSecond: 100,
    make: oneBadIn(100),
    env: { MILLRACE_LOG_LEVEL: 'debug' },
    recoverySecondsMax: afterKillSecondsMax,
  }
  const outcome = await behindProxy(room, options, async (proxy, script) => {
    await killOne(script, room)
    for (const how of ['answer', 'race', 'request'] as const) await cutOne(proxy, how)
    await stopOne(script, room)
  })
  t.diagnostic(`${outcome.events} records, work stood still for ${outcome.recoveries.map((each) => each.toFixed(1))} s`)
  assert.deepEqual([...outcome.problems, ...outcome.kept], [])
  assert.ok(outcome.events >= events)
  assert.equal(outcome.recoveries.length, 2)
  failed = false
})

test('a kill while errands branch, wait, call and turn back, and operators cancel and begin anew', {
  timeout: 300_000,
}, async (t) => {
  const ground = await startGround({ own: false })
  let failed = true
  after(() => ground.stop(failed))
  const seed = String(Math.trunc(Math.random() * 2 ** 31))
  t.diagnostic(`seed ${seed}`)
  const random = new Random(seed)
  const outcome = await errandKill.run({ ground, rounds: 1, events: 150, random, tell: (text) => t.diagnostic(text) })
  assert.deepEqual([...outcome.problems, ...outcome.kept], [])
  assert.ok(outcome.events >= 150)
  failed = false
})
