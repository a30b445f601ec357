/** When the watchdog barks, and what it costs while it does not. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EngineError } from '../../src/base/error.ts'
import type { Place } from '../../src/intake/partition.ts'
import { Watchdog } from '../../src/intake/watchdog.ts'

const stalledMs = 1000
let asked = 0
beforeEach(() => (asked = 0))

test('it barks when a partition that has more is not fetched, once for all of them', async () => {
  const watchdog = dog(async () => bounds(12))
  const places = [place({ dueMs: longAgo() }), place({ partition: 1, dueMs: longAgo() })]
  assert.equal(await watchdog.barks(places), true)
  await sleep(stalledMs / 5)
  assert.equal(await watchdog.barks(places), false)
})

test('while fetches are answered it asks nothing, whatever the lag', async () => {
  const watchdog = dog(async () => bounds(1000))
  assert.equal(await watchdog.barks([place({ dueMs: performance.now() })]), false)
  assert.equal(asked, 0)
})

test('what is not to be fetched is not missed', async () => {
  const dueMs = longAgo()
  const resting = [{ paused: true }, { doubt: { about: 'topic' } as const }, { position: null }].map((each) =>
    place({ ...each, dueMs }),
  )
  assert.equal(await dog(async () => bounds(12)).barks(resting), false)
  assert.equal(asked, 0)
})

test('a partition that has no more is asked about now and then, and left alone', async () => {
  const watchdog = dog(async () => bounds(10))
  const places = [place({ dueMs: longAgo() })]
  for (let look = 0; look < 5; look++) assert.equal(await watchdog.barks(places), false)
  assert.equal(asked, 1)
})

test('a Kafka that is away has time to come back', async () => {
  const watchdog = dog(async () => {
    throw new EngineError('kafka_outage', 'away', { retryable: true })
  })
  const places = [place({ dueMs: longAgo() })]
  assert.equal(await watchdog.barks(places), false)
  assert.ok(performance.now() - (places[0]?.dueMs ?? 0) < stalledMs)
})

function dog(answer: () => Promise<ReadonlyMap<number, { earliest: number; latest: number }>>): Watchdog {
  return new Watchdog(stalledMs, () => {
    asked++
    return answer()
  })
}

function bounds(latest: number) {
  return new Map([0, 1].map((partition) => [partition, { earliest: 0, latest }]))
}

function place(what: Partial<Place>): Place {
  return { topic: 'a', partition: 0, position: 10, paused: false, doubt: null, since: 1, seenMs: 0, dueMs: 0, ...what }
}

function longAgo(): number {
  return performance.now() - 10 * stalledMs
}
