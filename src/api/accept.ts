/** The way of a request into Kafka: authenticated, read and checked here, so that what is refused is refused at once; then written. */
import { assert } from '../base/assert.ts'
import { crashPoint } from '../base/crash-point.ts'
import type { Auth } from '../envelope/auth.ts'
import { authenticated, decode } from '../envelope/decode.ts'
import type { Envelope } from '../envelope/envelope.ts'
import { onceHeader } from '../envelope/http.ts'
import type { RawHeader, RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { sealedRecord } from '../envelope/sealed-value.ts'
import { transactionId } from '../transaction/ids.ts'
import { keyText } from '../workflow/expression/compile.ts'
import type { Plan } from '../workflow/plan.ts'
import type { RequestEvent } from './event.ts'
import type { Begun, Once } from './once.ts'
import type { DoorLedger, Gates, NewRecord, Origin, Preparer, Writer } from './ports.ts'
import { refuse } from './problem.ts'
import type { Route } from './routes.ts'
import type { Watch } from './watch.ts'

export interface AcceptanceParts {
  readonly engine: string
  readonly ledger: DoorLedger
  readonly writer: Writer
  readonly gates: Gates
  readonly preparer: Preparer | null
  readonly once: Once
  readonly watch: Watch
  /** Null: no workflow has secret fields. */
  readonly sealer: Sealer | null
  readonly valueBytesMax: number
  /** Kafka's id of the topic. Throws `EngineError`, retryable. */
  readonly incarnation: (topic: string) => Promise<string>
}

export interface Accepted {
  readonly id: string
  readonly origin: Origin
  /** It was there already: the request is a repetition. */
  readonly isRepeated: boolean
}

export interface Sent {
  readonly route: Route
  readonly event: RequestEvent
  readonly auth: Auth | null
  /** Of its Idempotency-Key; null: it has none. */
  readonly once: { readonly key: string; readonly digest: Buffer } | null
}

/** So long a request whose first one was lost waits for the lane to say which of two records counts, in milliseconds. */
const tellMsMax = 5000
/** What takes time to find out about a request may take so long, in milliseconds: a client waits. */
const prepareMsMax = 10_000

export class Acceptance {
  readonly #parts: AcceptanceParts

  constructor(parts: AcceptanceParts) {
    this.#parts = parts
  }

  /** Throws `Refusal` or `EngineError`, and then nothing of it was written, but for `write_unknown`. */
  async accept(sent: Sent): Promise<Accepted> {
    const record = await this.#checked(sent)
    const incarnation = await this.#parts.incarnation(record.topic)
    const { route, auth } = sent
    if (sent.once === null) return this.#write(route.plan, this.#stamped(route, auth, record), incarnation)
    const { key, digest } = sent.once
    const begun = await this.#parts.once.begin(route.plan.name, senderOf(auth), key, digest)
    if (begun.is === 'done') {
      const origin = { ...begun.place, workflow: route.plan.name, topic: record.topic, incarnation }
      return { id: begun.id, origin, isRepeated: true }
    }
    const marked = { ...record, headers: [...record.headers, onceHeaderOf(begun.claim.key)] }
    return this.#writeOnce(route.plan, this.#stamped(route, auth, marked), incarnation, begun)
  }

  /** All that the lane would refuse it for is looked at first. */
  async #checked({ route, event, auth }: Sent): Promise<NewRecord> {
    const { plan, trigger } = route
    const { value, headers } = event
    const timestampMs = Date.now()
    const raw = rawRecord(value, headers, timestampMs)
    await this.#prepare(raw, plan, trigger.topic)
    const wanted = { format: trigger.format, value: raw.prepared?.values.get(plan.version) }
    const decoded = decode(raw, 'http', this.#parts.valueBytesMax, wanted)
    trigger.schema?.check(decoded.envelope, decoded.text)
    const { envelope } = auth === null ? decoded : authenticated(decoded, auth)
    return { topic: trigger.topic, key: keyOf(plan, envelope), value, headers, timestampMs }
  }

  /** With who has sent it, when all else is there. */
  #stamped({ plan }: Route, auth: Auth | null, record: NewRecord): NewRecord {
    if (auth === null) return record
    return { ...record, headers: [...record.headers, this.#parts.gates.stamp(plan, record.topic, auth, record)] }
  }

  async #prepare(record: RawRecord, plan: Plan, topic: string): Promise<void> {
    const { preparer } = this.#parts
    if (preparer === null || preparer.isReady(record, [plan], topic)) return
    await preparer.prepare(record, [plan], topic, AbortSignal.timeout(prepareMsMax))
  }

  async #write(plan: Plan, record: NewRecord, incarnation: string): Promise<Accepted> {
    const { topic, partition, offset, timestampMs } = await this.#parts.writer.write(this.#sealed(plan, record))
    const origin = { engine: this.#parts.engine, topic, incarnation, partition, offset, workflow: plan.name }
    const id = transactionId(origin, timestampMs * 1000, timestampMs * 1000)
    return { id, origin: { workflow: plan.name, topic, incarnation, partition, offset }, isRepeated: false }
  }

  /** With secret fields its value is sealed before anybody but its sender has it. The stamp is of the value as it came. */
  #sealed({ secrets }: Plan, record: NewRecord): NewRecord {
    const { sealer } = this.#parts
    if (secrets.length === 0) return record
    assert(sealer, 'a workflow with secret fields is not loaded without a seal key')
    const sealed = sealedRecord<Pick<NewRecord, 'headers'> & { readonly value: Buffer | null }>(
      record,
      new Set(),
      sealer,
    )
    return { ...record, headers: sealed.headers, value: sealed.value as Buffer }
  }

  async #writeOnce(
    plan: Plan,
    record: NewRecord,
    incarnation: string,
    { claim, again }: Extract<Begun, { is: 'ours' }>,
  ): Promise<Accepted> {
    const { once } = this.#parts
    crashPoint('door.claimed')
    const written = await this.#write(plan, record, incarnation).catch(async (error) => {
      await once.abandon(claim).catch(() => undefined)
      throw error
    })
    const accepted = again ? await this.#first(written) : written
    // Without it a repetition takes the claim over after a while, and the lane tells its record for a copy.
    await once.end(claim, accepted.id, accepted.origin).catch(() => undefined)
    crashPoint('door.settled')
    return accepted
  }

  /** Two records may be there; whichever was read first is the transaction. */
  async #first(accepted: Accepted): Promise<Accepted> {
    const asked = { id: accepted.id, after: null, from: accepted.origin }
    const seen = await this.#parts.watch.wait(asked, ({ is }) => is === 'open' || is === 'ended', tellMsMax)
    return seen === null || seen.id === accepted.id ? accepted : { ...accepted, id: seen.id, isRepeated: true }
  }
}

function senderOf(auth: Auth | null): string | null {
  return auth === null ? null : JSON.stringify([auth.family, auth.principal])
}

function onceHeaderOf(key: string): RawHeader {
  return { name: onceHeader, value: Buffer.from(key, 'latin1') }
}

/** As the intake would have it. */
function rawRecord(value: Buffer, headers: readonly RawHeader[], timestampMs: number): RawRecord {
  return { offset: 0, key: null, value, headers, timestampUs: timestampMs * 1000, fetchedUs: timestampMs * 1000 }
}

/** Of one key go to one partition, where their order holds. */
function keyOf(plan: Plan, envelope: Envelope): Buffer | null {
  const key = plan.key === null ? null : keyText(plan.key.evaluate({ event: envelope, steps: {} }), 'key')
  if (key !== null && /\p{Surrogate}|\0/u.test(key)) {
    throw refuse(422, 'key_unstorable', 'the key holds a NUL or half a character')
  }
  return key === null ? null : Buffer.from(key, 'utf8')
}
