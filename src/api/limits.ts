/** Every bound on requests that no workflow file says itself, with its unit and its reason. */
export interface DoorLimits {
  /** Requests under way at once, those that wait for a result apart: each holds its body. */
  readonly requestsMax: number
  /** Requests and streams that wait for a transaction; who comes then is answered 202 at once. */
  readonly watchersMax: number
  readonly connectionsMax: number
  /** Bytes of all headers; Node refuses more with 431. */
  readonly headerBytesMax: number
  readonly headersMax: number
  readonly urlCharsMax: number
  /** From the request's first byte to its last header, and to the end of its body, in milliseconds. */
  readonly headersMsMax: number
  readonly bodyMsMax: number
  /** Events of one CloudEvents batch. */
  readonly batchMax: number
  /** Callers whose rate is remembered: the longest unseen is forgotten. */
  readonly callersMax: number
  /** How often those who wait are looked for in the ledger, all with one question, in milliseconds. */
  readonly lookEveryMs: number
  /** The same for streams of states. */
  readonly streamEveryMs: number
  /** A stream says that it is there, in milliseconds: proxies cut what is silent. */
  readonly heartbeatMs: number
  /** No stream is longer, in milliseconds; its client comes again. */
  readonly streamMsMax: number
  /** In one question to the ledger. */
  readonly askedMax: number
  /** When the door closes, what is under way has so long, in milliseconds; nothing of it is lost after that, only not answered. */
  readonly stopMsMax: number
  /** A repeated request waits so long for the first one to be written, in milliseconds. */
  readonly busyMsMax: number
}

export const defaultDoorLimits: DoorLimits = {
  requestsMax: 2000,
  watchersMax: 5000,
  connectionsMax: 10_000,
  headerBytesMax: 16 * 1024,
  headersMax: 100,
  urlCharsMax: 4096,
  headersMsMax: 10_000,
  bodyMsMax: 15_000,
  batchMax: 100,
  callersMax: 10_000,
  lookEveryMs: 50,
  streamEveryMs: 500,
  heartbeatMs: 15_000,
  streamMsMax: 15 * 60_000,
  askedMax: 500,
  stopMsMax: 5000,
  busyMsMax: 2000,
}
