/** Ids that a replay makes again: from where a thing stands, never from a clock or a die. */
import { hash } from 'node:crypto'
import { keyOfSeed } from '../base/key-of-seed.ts'
import type { ParentRef } from './transaction.ts'

/** What tells one transaction from every other. `incarnation` tells a topic from a deleted one of the same name. */
export interface Origin {
  readonly engine: string
  readonly workflow: string
  readonly topic: string
  readonly incarnation: string
  readonly partition: number
  readonly offset: number
  /** The dead letter that it is made of again. */
  readonly redrivenFrom?: string
}

/** A producer's stamp older than this (against admission) is clamped: ids that are not time-ordered ruin a full ledger. */
const claimMsMax = 60 * 60 * 1000

/**
 * And one that is ahead by more than this: clocks of two machines differ, and whoever wrote the record may have told its id
 * already (`src/api`).
 */
const aheadMsMax = 10_000

/**
 * A UUID version 8 (RFC 9562): 48 bits of milliseconds first, so that inserts stay local, then a hash of the origin.
 * The producer's time is a claim, taken from an hour before admission to some seconds behind it.
 */
export function transactionId(origin: Origin, producedUs: number | null, admittedUs: number): string {
  const admittedMs = Math.floor(admittedUs / 1000)
  const claimedMs = producedUs === null ? admittedMs : Math.floor(producedUs / 1000)
  const timeMs = claimedMs > admittedMs + aheadMsMax ? admittedMs : Math.max(claimedMs, admittedMs - claimMsMax)
  return timedUuid(timeMs, JSON.stringify(origin))
}

/** The same shape for a dead letter; `workflow` is empty when the record failed before any was asked. */
export function deadLetterId(origin: Origin, receivedUs: number): string {
  return timedUuid(Math.floor(receivedUs / 1000), `dead:${JSON.stringify(origin)}`)
}

/** Of an event that could not be kept for those of a workflow who wait. */
export function unkeptId(origin: Origin, receivedUs: number): string {
  return timedUuid(Math.floor(receivedUs / 1000), `unkept:${JSON.stringify(origin)}`)
}

/** The same shape for an event that is kept for those of a workflow who wait for it. */
export function signalId(origin: Origin, receivedUs: number): string {
  return timedUuid(Math.floor(receivedUs / 1000), `signal:${JSON.stringify(origin)}`)
}

/** Of a message to Kafka: the same for the same `seed`, which says where in the ledger it comes from. */
export function messageId(seed: string): string {
  return hashedUuid(`message:${seed}`)
}

/** Tells copies of one event: `same` is what they have in common. */
export function dedupKey(engine: string, workflow: string, same: string): string {
  return hashedUuid(`copy:${JSON.stringify([engine, workflow, same])}`)
}

/** Enough of a transaction to know it again. */
export interface Identity {
  readonly id: string
  readonly position: { readonly topic: string; readonly partition: number; readonly offset: number }
}

/**
 * What a transaction's id has that is not of the clock, with its place: the same when its record is read again much
 * later, by a ledger that was restored from a backup.
 */
export function lastingId({ id, position }: Identity): string {
  const { topic, partition, offset } = position
  return `${id.slice(timeChars)}/${topic}/${partition}/${offset}`
}

/** Of a UUID in text: 48 bits in hex, and a dash among them. */
const timeChars = 13

/** The same for every attempt of a step, so that a provider sees a repetition as one. 32 hex digits. */
export function idempotencyKey(transaction: Identity, stepId: string, item = '', round = 1): string {
  return keyOfSeed(forwardSeed(transaction, stepId, item, round))
}

/** What the key is a hash of: few functions ask for it, so that it is made where it is asked for. */
export function forwardSeed(transaction: Identity, stepId: string, item: string, round: number): string {
  return `${lastingId(transaction)}/${pathOf(stepId, item)}/forward/${round}`
}

/** Of what undoes the step. */
export function undoSeed(transaction: Identity, stepId: string, item: string, round: number): string {
  return `${lastingId(transaction)}/${pathOf(stepId, item)}/undo/${round}`
}

/** Of the transaction that a step calls: its time is its parent's, so that the two lie side by side. */
export function childId({ id, step, item }: ParentRef, round: number): string {
  const timeMs = Number.parseInt(id.slice(0, 8) + id.slice(9, timeChars), 16)
  return timedUuid(timeMs, `child:${JSON.stringify([id, step, item, round])}`)
}

function pathOf(stepId: string, item: string): string {
  return item === '' ? stepId : `${stepId}[${item}]`
}

function timedUuid(timeMs: number, seed: string): string {
  const digest = hash('sha256', seed, 'buffer')
  digest.writeUIntBE(timeMs, 0, 6)
  return uuidOf(digest)
}

function hashedUuid(seed: string): string {
  return uuidOf(hash('sha256', seed, 'buffer'))
}

function uuidOf(digest: Buffer): string {
  digest[6] = 0x80 | ((digest[6] ?? 0) & 0x0f)
  digest[8] = 0x80 | ((digest[8] ?? 0) & 0x3f)
  const hex = digest.toString('hex', 0, 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
