/**
 * Idempotency-Key: a repeated request gets the transaction of the first. The key is claimed in the ledger before anything is written, so
 * that two at once, at two doors, are one. Who claimed and was lost leaves a claim that somebody else takes over; should the record of
 * the first be there all the same, the lane tells the second for a copy of it.
 * Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Together } from '../base/together.ts'
import { dedupKey } from '../transaction/ids.ts'
import type { Claim, ClaimAnswer, ClaimDone, DoorLedger, Place } from './ports.ts'
import { refuse } from './problem.ts'

export type Begun =
  | { readonly is: 'ours'; readonly again: boolean; readonly claim: Claim }
  | { readonly is: 'done'; readonly id: string; readonly place: Place }

export class Once {
  readonly #engine: string
  readonly #ledger: DoorLedger
  readonly #claims: Together<Claim, ClaimAnswer>
  readonly #done: Together<ClaimDone, undefined>
  readonly #busyMsMax: number

  constructor(engine: string, ledger: DoorLedger, limits: { readonly askedMax: number; readonly busyMsMax: number }) {
    this.#engine = engine
    this.#ledger = ledger
    this.#busyMsMax = limits.busyMsMax
    this.#claims = new Together((claims) => claimAll(ledger, claims), limits.askedMax)
    this.#done = new Together(async (done) => {
      await ledger.claimed(done)
      return done.map(() => undefined)
    }, limits.askedMax)
  }

  /** `sender`: whose key it is; two that send the same key do not meet. Throws `Refusal` 409 or 422. */
  async begin(workflow: string, sender: string | null, key: string, digest: Buffer): Promise<Begun> {
    const claim = { key: onceKey(this.#engine, workflow, sender, key), digest, owner: randomUUID() }
    const untilMs = performance.now() + this.#busyMsMax
    for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 250)) {
      const answer = await this.#claims.add(claim)
      if (answer.is === 'ours') return { ...answer, claim }
      if (answer.is === 'done') return answer
      if (answer.is === 'other_request') {
        throw refuse(422, 'idempotency_key_reused', 'this Idempotency-Key was used with another request')
      }
      if (performance.now() + waitMs > untilMs) {
        const detail = 'the first request with this Idempotency-Key is under way'
        throw refuse(409, 'idempotency_key_busy', detail, { retryAfterS: 1 })
      }
      await sleep(waitMs)
    }
  }

  async end({ key, owner }: Claim, id: string, place: Place): Promise<void> {
    await this.#done.add({ key, owner, id, place })
  }

  /** The next one takes it over at once. */
  async abandon(claim: Claim): Promise<void> {
    await this.#ledger.abandon([claim])
  }
}

/** Of two with one key in one statement the second asks again: Postgres would refuse to touch a row twice. */
async function claimAll(ledger: DoorLedger, claims: readonly Claim[]): Promise<ClaimAnswer[]> {
  const firsts = new Map<string, Claim>()
  for (const claim of claims) if (!firsts.has(claim.key)) firsts.set(claim.key, claim)
  const asked = [...firsts.values()]
  const answers = await ledger.claim(asked)
  const byKey = new Map(asked.map((claim, at) => [claim.key, { claim, answer: answers[at] as ClaimAnswer }]))
  return claims.map((claim) => {
    const { claim: first, answer } = byKey.get(claim.key)!
    if (first === claim) return answer
    return answer.is === 'done' && first.digest.equals(claim.digest) ? answer : { is: 'busy' }
  })
}

function onceKey(engine: string, workflow: string, sender: string | null, key: string): string {
  return dedupKey(engine, workflow, JSON.stringify(['http', sender, key]))
}

/** A text, in quotes as the draft has it or bare as everybody sends it. Null: there is none. Throws `Refusal` 400. */
export function keyOf(header: string | string[] | undefined): string | null {
  if (header === undefined) return null
  const text = Array.isArray(header) ? header.join(',') : header
  const key = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)?.[1]?.replace(/\\(["\\])/g, '$1') ?? text
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return key
  throw refuse(400, 'idempotency_key_invalid', 'an Idempotency-Key has 1 to 255 visible ASCII characters')
}

/** Of all by which one request is the same as another; the key is among it, so that nobody guesses a body from what the ledger keeps. */
export function digestOf(parts: readonly (string | Buffer)[]): Buffer {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(`${Buffer.byteLength(part)}:`).update(part)
  return digest.digest()
}
