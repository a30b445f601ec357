/** Every limit of the outbox, with its unit and its reason. */
export interface OutboxLimits {
  /** What one Kafka transaction takes at most, a lane: readers wait for its end. */
  readonly rowsMax: number
  readonly bytesMax: number
  /** One request to a broker: it is one batch a partition, which a topic takes up to 1 MiB of by default. */
  readonly requestBytesMax: number
  /** First and longest pause between tries while Kafka, a topic or the ledger is away, in milliseconds. */
  readonly pauseMs: { readonly first: number; readonly most: number }
  /** A lane's producer without work is disconnected after this, in milliseconds. */
  readonly idleMs: number
  /** Kafka itself gives up a transaction that is older, in milliseconds: until then it holds up its readers. */
  readonly transactionMsMax: number
  /** Stopping takes no longer than this, in milliseconds: a broker may be away. */
  readonly stopMsMax: number
}

export const defaultLimits: OutboxLimits = {
  rowsMax: 500,
  bytesMax: 4 * 1024 * 1024,
  requestBytesMax: 512 * 1024,
  pauseMs: { first: 100, most: 5000 },
  idleMs: 60_000,
  transactionMsMax: 15_000,
  stopMsMax: 2000,
}

/**
 * The client's own tries: quick ones, for a transaction that has just ended is not done with at once. What takes longer is
 * an outage, which is waited out with pauses of our own.
 */
export const outboxPatience = {
  requestTimeout: 10_000,
  retry: { initialRetryTime: 10, maxRetryTime: 500, retries: 7 },
}
