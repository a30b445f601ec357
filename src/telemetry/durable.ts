/**
 * What a commit has made durable of one event, as spans and measures are made of it. The coordinator's own values fit: they
 * are handed over as they are, so that telling of them costs next to nothing.
 */
import type { Traced } from './trace/ids.ts'

export interface Durable {
  readonly topic: string
  readonly partition: number
  /** The transactions whose rows these are, as they were before. */
  readonly transactions: readonly DurableTransaction[]
  /** Those that were admitted. */
  readonly admitted: readonly Admitted[]
  readonly attempts: readonly DurableAttempt[]
  readonly endings: readonly Ending[]
  readonly letters: readonly Letter[]
  /** When their commit had returned. Stamps are µs since 1970. */
  readonly returnedUs: number
}

export interface DurableTransaction extends Traced {
  readonly plan: { readonly name: string; readonly steps: readonly DurableStep[] }
  readonly position: { readonly topic: string; readonly partition: number; readonly offset: number }
  readonly admittedUs: number
  /** From 1: each time it was opened again began another. */
  readonly round: number
  readonly parent: { readonly id: string } | null
}

export interface DurableStep {
  readonly id: string
  readonly kind: string
  /** Of those that run a function. */
  readonly uses?: string
}

export interface Admitted {
  readonly id: string
  readonly offset: number
  readonly eventId: string
  readonly producedUs: number | null
  readonly fetchedUs: number
  readonly admittedUs: number
  readonly redrivenFrom: string | null
  readonly parent: { readonly id: string } | null
}

export interface DurableAttempt {
  readonly transactionId: string
  readonly step: number
  readonly item: string
  readonly attempt: number
  readonly outcome: string
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly eligibleUs: number | null
  readonly dispatchedUs: number | null
  readonly startedUs: number | null
  readonly finishedUs: number | null
  readonly receivedUs: number | null
  readonly resolvedBy: string | null
}

export interface Ending {
  readonly transactionId: string
  readonly state: string
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly endedUs: number
}

/** A dead letter. */
export interface Letter {
  readonly id: string
  readonly offset: number
  /** JSON text: name -> text. */
  readonly headers: string
  readonly code: string
  readonly reason: string
  readonly receivedUs: number
}

/** A message that Kafka has. */
export interface PublishedMessage {
  readonly id: string
  readonly transactionId: string | null
  readonly topic: string
  /** JSON text: name -> text. */
  readonly headers: string
  /** It is the copy of a dead letter, under that one's headers. */
  readonly letter: object | null
  readonly error: string | null
}
