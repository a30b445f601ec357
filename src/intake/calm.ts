/**
 * kafkajs 2.2.4 looks a thousand times a second, on each connection, for requests that wait: a time to look again that
 * lies in the past makes a timer of 1 ms, which makes the next one. Nothing waits but when a connection has its share in
 * flight, or a broker throttles it; then it looks as it does. See https://github.com/tulios/kafkajs/issues/1556.
 */
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

/** For all its clients. Twice is safe. */
export function calm(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = scheduleIfNeeded
}

const { scheduleCheckPendingRequests } = RequestQueue.prototype

function scheduleIfNeeded(this: RequestQueue): void {
  const isThrottled = this.throttledUntil > Date.now()
  if (this.pending.length > 0 || isThrottled) scheduleCheckPendingRequests.call(this)
}
