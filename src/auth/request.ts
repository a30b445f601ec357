/** What a way to authenticate is shown of an event, whichever door it came through. */

export interface AuthRequest {
  /** Names in lower case; of each all values, in their order, as bytes. Of an HTTP request its own headers. */
  readonly headers: ReadonlyMap<string, readonly Buffer[]>
  /** The bytes of the value as they came, for signatures. */
  readonly body: Buffer
  /** When it came: the record's timestamp for Kafka, the moment of arrival for HTTP. µs since 1970. */
  readonly atUs: number
  /** Null for a record of Kafka. */
  readonly http: HttpAuthRequest | null
}

export interface HttpAuthRequest {
  readonly method: string
  /** Path and query as they were asked for. */
  readonly url: string
  /** Of a connection whose client showed a certificate that our authorities have signed. */
  readonly certificate: {
    readonly subject: string
    readonly fingerprint256: string
    readonly altNames: readonly string[]
  } | null
}
