/** How to reach Kafka, and how the consumer group behaves. */
export interface KafkaSettings {
  /** host:port, any of the cluster's brokers. */
  readonly brokers: readonly string[]
  /** The engine's name is its consumer group. */
  readonly groupId: string
  readonly clientId: string
  readonly tls: boolean | TlsFiles
  readonly sasl: SaslSettings | null
  /** A coordinator unheard of for so long is taken out of the group, in milliseconds. */
  readonly sessionTimeoutMs: number
}

/** PEM text. */
export interface TlsFiles {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface SaslSettings {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** Longest wait of a fetch that finds nothing; also how late a resumed partition may be. Milliseconds. */
export const fetchWaitMs = 100
/** One fetch of one partition. A value may be 1 MiB. */
export const fetchBytesPerPartition = 2 * 1024 * 1024
/** New partitions of a topic are seen after this at the latest, in milliseconds. */
export const metadataAgeMs = 5_000
/** How long a broker may take for the first question it is asked, in milliseconds. */
export const probeMs = 3_000
/** A topic that is not there yet is looked for so often, in milliseconds. */
export const topicPollMs = 1_000
/** Leaving the group takes no longer than this, in milliseconds. */
export const leaveMsMax = 3_000
