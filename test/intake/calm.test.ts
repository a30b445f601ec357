/** A client of Kafka that waits for nothing costs nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { until } from '../../src/base/poll.ts'
import { calm } from '../../src/intake/calm.ts'

/** As much of a connection's queue as looking for requests needs. */
function queueOf(pending: readonly unknown[], throttledUntil: number) {
  const queue = Object.create(RequestQueue.prototype)
  return Object.assign(queue, { pending, throttledUntil, throttleCheckTimeoutId: null, checkPendingRequests() {} })
}

test('a connection looks for requests again when some wait or a broker throttles it, and else not', () => {
  calm()
  const table = [
    { pending: [], throttledUntil: -1, looks: false },
    { pending: [], throttledUntil: Date.now() - 1, looks: false },
    { pending: ['one'], throttledUntil: -1, looks: true },
    { pending: [], throttledUntil: Date.now() + 10_000, looks: true },
  ]
  for (const { pending, throttledUntil, looks } of table) {
    const queue = queueOf(pending, throttledUntil)
    queue.scheduleCheckPendingRequests()
    assert.equal(queue.throttleCheckTimeoutId !== null, looks, JSON.stringify({ pending, throttledUntil }))
    queue.destroy()
  }
})

test('an answer that is overdue is given up on, one that is not is waited for, and a closed connection is left alone', async () => {
  calm()
  const given: string[] = []
  const request = (name: string, requestTimeout: number) => [
    name,
    { sentAt: Date.now() - 1000, requestTimeout, timeoutRequest: () => given.push(name) },
  ]
  const inflight = new Map([request('late', 500), request('in time', 60_000)] as never)
  let connected = true
  const more = { inflight, enforceRequestTimeout: true, requestTimeout: 20, requestTimeoutIntervalId: null }
  const queue = Object.assign(queueOf([], -1), more, { isConnected: () => connected })
  queue.scheduleRequestTimeoutCheck()
  await until('the late one to be given up on', () => given.length > 0, { forMs: 2000, everyMs: 5 })
  assert.ok(!given.includes('in time'))
  connected = false
  await until('it to stop looking', () => queue.requestTimeoutIntervalId._destroyed, { forMs: 2000, everyMs: 5 })
})
