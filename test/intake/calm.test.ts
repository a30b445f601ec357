/** A client of Kafka that waits for nothing costs nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
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
