/**
 * kafkajs 2.2.4 looks a thousand times a second, on each connection, for requests that wait: a time to look again that
 * lies in the past makes a timer of 1 ms, which makes the next one. Nothing waits but when a connection has its share in
 * flight, or a broker throttles it; then it looks as it does. See https://github.com/tulios/kafkajs/issues/1556.
 * And it looks ten times a second, on each connection, whether an answer is overdue by seconds.
 */
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

/** For all its clients. Twice is safe. */
export function calm(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = scheduleIfNeeded
  RequestQueue.prototype.scheduleRequestTimeoutCheck = scheduleTimeoutCheck
}

const { scheduleCheckPendingRequests } = RequestQueue.prototype

function scheduleIfNeeded(this: RequestQueue): void {
  const isThrottled = this.throttledUntil > Date.now()
  if (this.pending.length > 0 || isThrottled) scheduleCheckPendingRequests.call(this)
}

/** An answer is given up on so much too late at most, in milliseconds. */
const overdueMsMax = 500

function scheduleTimeoutCheck(this: RequestQueue): void {
  if (!this.enforceRequestTimeout) return
  this.destroy()
  const look = () => {
    for (const request of [...this.inflight.values()]) {
      if (Date.now() - request.sentAt > request.requestTimeout) request.timeoutRequest()
    }
    if (!this.isConnected()) this.destroy()
  }
  this.requestTimeoutIntervalId = setInterval(look, Math.min(this.requestTimeout, overdueMsMax))
}
