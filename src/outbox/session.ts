/** What the outbox needs of Kafka: `kafka-session.ts` is the real one, a simulation has its own. */
import type { OutboxLane, OutboxMessage } from '../coordinator/ports.ts'

export interface Sessions {
  /** Throws `EngineError`, retryable. */
  open(lane: OutboxLane): Promise<Session>
  stop(): Promise<void>
}

/** A producer that has fenced every one before it in the same lane, and ended what they had begun. */
export interface Session {
  /** How far the lane was published by Kafka's word: the number and the id of the last message; null: it knows nothing. */
  readonly reached: { readonly seq: number; readonly id: string } | null
  /**
   * All of them or none, and with them how far the lane is. Throws `EngineError`, after which the session is of no more use:
   * `message_refused` for what Kafka will never take, `topic_missing` with the names as `details.missing`, or an outage,
   * after which nobody knows whether they went.
   */
  send(messages: readonly OutboxMessage[]): Promise<void>
  close(): Promise<void>
}
