/** How to reach Kafka, and how the consumer group behaves. */
import type { TlsFiles } from '../base/tls.ts'

export interface KafkaSettings {
  /** host:port, any of the cluster's brokers. */
  readonly brokers: readonly string[]
  /** The engine's name is its consumer group. */
  readonly groupId: string
  readonly clientId: string
  readonly tls: boolean | TlsFiles
  readonly sasl: Login | null
  /** A coordinator unheard of for so long is taken out of the group, in milliseconds. */
  readonly sessionTimeoutMs: number
}

export type Login = PasswordLogin | TokenLogin

export interface PasswordLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface TokenLogin {
  readonly mechanism: 'oauthbearer'
  readonly tokens: { token(): Promise<{ value: string }> }
}

/** Longest wait of a fetch that finds nothing; also how late a resumed partition may be. Milliseconds. */
export const fetchWaitMs = 100
/**
 * The same where nothing came for `quietMs` and every partition is read: what comes then ends the wait at once, and an idle
 * engine costs a ninth of the fetches. Heartbeats go between fetches, and with them the news that the group is forming anew: so this is
 * also how late an idle member hears of it, and stays under a second.
 */
export const idleFetchWaitMs = 900
export const quietMs = 1_000
/**
 * One fetch of one partition; a batch that is larger comes whole. Much more only waits here, and lives long enough to cost
 * the garbage collector.
 */
export const fetchBytesPerPartition = 256 * 1024
/** New partitions of a topic are seen after this at the latest, in milliseconds. */
export const metadataAgeMs = 5_000
/**
 * Of as many topics as are wanted those that are missing are looked for no sooner than after this for each, in
 * milliseconds: thousands at once take the broker and us a while.
 */
export const lookMsPerTopic = 2
/** How long a broker may take for the first question it is asked, in milliseconds. */
export const probeMs = 3_000
/** A topic that is not there yet is looked for so often, in milliseconds; so are other things seen to. */
export const tendEveryMs = 1_000
/**
 * How often the group hears of us, in milliseconds, and we of it: others learn by the answer that a member has left. Half
 * a second and the fetch before it keep that below one; a request of some bytes each costs a broker nothing.
 */
export const heartbeatMs = 500
/**
 * How long the group waits for its members when it shares out anew, in milliseconds. Those that live are there within a
 * second; one that was killed holds all others up for so long, or until its session is over.
 */
export const rebalanceMs = 3_000
/** A topic's id is asked for so often, in milliseconds: deleted and created again, it may look as if it went on. */
export const topicIdEveryMs = 60_000
/** A topic that is read counts as gone after this, in milliseconds: a broker may not have heard of it that others have. */
export const topicGoneMs = 1_000
/**
 * Of what was not fetched for so long, in milliseconds, the topic's id is looked at before it is read on: Kafka may have
 * deleted and created it again in the meantime. Fetched again and again, a topic cannot be gone unseen.
 */
export const unwatchedMsMax = 2_000
/** A partition that lags and is not fetched for so long, in milliseconds, means that the consumer has stopped. */
export const watchdogMs = 30_000
/** Kafka is asked for the end of a topic that is not fetched no more often than this, in milliseconds. */
export const watchdogAskEveryMs = 10_000
/** A consumer that crashes is built again after this, and twice as late each time up to the most. Milliseconds. */
export const rebuildPauseMs = { first: 200, most: 5_000 }
/** Leaving the group takes no longer than this, in milliseconds. */
export const leaveMsMax = 3_000
