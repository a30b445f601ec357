/** What we know of kafkajs' inside; its version is pinned. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[]
    readonly inflight: ReadonlyMap<number, Request>
    /** ms since 1970. */
    readonly throttledUntil: number
    readonly enforceRequestTimeout: boolean
    /** ms. */
    readonly requestTimeout: number
    requestTimeoutIntervalId: NodeJS.Timeout | null
    isConnected(): boolean
    scheduleCheckPendingRequests(): void
    scheduleRequestTimeoutCheck(): void
    destroy(): void
  }

  interface Request {
    /** ms since 1970. */
    readonly sentAt: number
    /** ms. */
    readonly requestTimeout: number
    timeoutRequest(): void
  }
}

declare module 'kafkajs/src/broker/saslAuthenticator/*.js' {
  import type { AuthenticationProviderArgs, Authenticator } from 'kafkajs'

  const create: (login: object) => (connection: AuthenticationProviderArgs) => Authenticator
  export default create
}
