/** What we know of kafkajs' inside; its version is pinned. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[]
    /** ms since 1970. */
    readonly throttledUntil: number
    scheduleCheckPendingRequests(): void
  }
}
