/**
 * Who sent a record, or a request: the gate of each workflow, for both doors. What the HTTP door has found out comes with the record as
 * its stamp; everything else is found out here, and stays with the record (`record.prepared`).
 */
import type { AuthRequest } from './auth/request.ts'
import type { Gate } from './auth/way.ts'
import { gateOf, type Surroundings } from './auth/ways.ts'
import { EngineError } from './base/error.ts'
import type { Auth } from './envelope/auth.ts'
import { type DoorStamps, doorHeader } from './envelope/door-stamp.ts'
import { type RawHeader, type RawRecord, sentAtUs } from './envelope/record.ts'
import type { Sealer } from './envelope/seal.ts'
import { openedRecord } from './envelope/sealed-value.ts'
import type { Plan } from './workflow/plan.ts'
import { startTopics } from './workflow/uses.ts'

export interface GatekeeperParts extends Surroundings {
  /** Null: without a seal key, and so without workflows that authenticate. */
  readonly stamps: DoorStamps | null
  /** Opens values that came sealed: what is signed is what is in them. */
  readonly sealer: Sealer | null
}

/** An answer, or why it is refused. */
type Verdict = Auth | EngineError

export class Gatekeeper {
  readonly #parts: GatekeeperParts
  readonly #gates = new WeakMap<Plan, Gate>()
  /** Of records that it was begun for, by version of the workflow. */
  readonly #underWay = new WeakMap<RawRecord, Map<string, Promise<Verdict>>>()

  constructor(parts: GatekeeperParts) {
    this.#parts = parts
  }

  /** Null: the workflow asks for nobody. */
  of(plan: Plan): Gate | null {
    if (plan.auth === null) return null
    const known = this.#gates.get(plan)
    if (known !== undefined) return known
    const gate = gateOf(plan.auth, this.#parts)
    this.#gates.set(plan, gate)
    return gate
  }

  /** What tells the coordinators who it was: a header of the record, which is complete but for that, and not sealed yet. */
  stamp(plan: Plan, topic: string, auth: Auth, record: Pick<RawRecord, 'value' | 'headers'>): RawHeader {
    const { stamps } = this.#parts
    if (stamps === null) throw new EngineError('seal_key', 'there is no seal key to stamp events with')
    return stamps.stamp({ workflow: plan.name, topic, auth, atUs: Date.now() * 1000 }, record)
  }

  /** True when it is known who sent it, to each of these; what takes no time is found out at once. */
  isReady(record: RawRecord, plans: readonly Plan[], topic: string): boolean {
    let ready = true
    for (const plan of plans) if (asks(plan, record, topic) && !this.#isKnown(record, plan, topic)) ready = false
    return ready
  }

  /** Rejects with a retryable `EngineError` while whoever must be asked is away. */
  async prepare(record: RawRecord, plans: readonly Plan[], topic: string): Promise<void> {
    for (const plan of plans) {
      if (!asks(plan, record, topic) || this.#isKnown(record, plan, topic)) continue
      const begun = this.#underWay.get(record)
      try {
        const verdict = await begun?.get(plan.version)
        if (verdict !== undefined) keep(record, plan, verdict)
      } finally {
        begun?.delete(plan.version)
      }
    }
  }

  /** Begins to find it out, unless that was done. */
  #isKnown(record: RawRecord, plan: Plan, topic: string): boolean {
    if (record.prepared?.auth.has(plan.version)) return true
    const begun = this.#underWay.get(record) ?? new Map<string, Promise<Verdict>>()
    if (begun.has(plan.version)) return false
    const verdict = this.#judge(record, plan, topic)
    if (!(verdict instanceof Promise)) {
      keep(record, plan, verdict)
      return true
    }
    // Whoever waits for it hears of it.
    verdict.catch(() => undefined)
    this.#underWay.set(record, begun.set(plan.version, verdict))
    return false
  }

  #judge(record: RawRecord, plan: Plan, topic: string): Verdict | Promise<Verdict> {
    try {
      const opened = openedRecord(record, this.#parts.sealer)
      const said = this.#stamped(opened, plan, topic) ?? (this.of(plan) as Gate).authenticate(requestOf(opened))
      return said instanceof Promise ? said.catch(refusalOf) : said
    } catch (error) {
      return isRefusal(error) ? error : Promise.reject(error)
    }
  }

  /** Null: it did not come through the HTTP door, or not for this workflow. */
  #stamped(record: RawRecord, plan: Plan, topic: string): Auth | null {
    const { stamps } = this.#parts
    const [header, second] = record.headers.filter(({ name }) => name.toLowerCase() === doorHeader)
    if (stamps === null || header === undefined) return null
    if (second !== undefined) throw new EngineError('unauthenticated', `it has several headers ${doorHeader}`)
    const admitted = stamps.open(header.value, topic, record)
    return admitted.workflow === plan.name ? admitted.auth : null
  }
}

/** Not of an event that a step of it waits for, nor of one that it passes over for its type. */
function asks(plan: Plan, record: RawRecord, topic: string): boolean {
  if (plan.auth === null || !startTopics(plan).includes(topic)) return false
  // Of a request the type does not matter.
  const type = plan.on.http === null ? (plan.on.kafka?.type ?? null) : null
  const said = type === null ? null : typeOf(record)
  return said === null || said === type
}

/** Null: its headers do not say, or its value says more. */
function typeOf({ headers }: RawRecord): string | null {
  const last = (name: string) =>
    headers.findLast((header) => header.name.toLowerCase() === name)?.value.toString('utf8')
  return last('content-type')?.toLowerCase().startsWith('application/cloudevents') ? null : (last('ce_type') ?? null)
}

/** Any other error may pass: it is met again. */
function isRefusal(error: unknown): error is EngineError {
  return error instanceof EngineError && !error.retryable
}

function refusalOf(error: unknown): EngineError {
  if (isRefusal(error)) return error
  throw error
}

function keep(record: RawRecord, { version }: Plan, verdict: Verdict): void {
  const { values, auth } = record.prepared ?? nothing
  record.prepared = { values, auth: new Map([...auth, [version, verdict]]) }
}

const nothing = Object.freeze({ values: new Map(), auth: new Map() })

function requestOf(record: RawRecord): AuthRequest {
  const { headers, value } = record
  const byName = new Map<string, Buffer[]>()
  for (const { name, value: bytes } of headers) {
    const own = name.toLowerCase()
    const known = byName.get(own)
    if (known) known.push(bytes)
    else byName.set(own, [bytes])
  }
  return { headers: byName, body: value ?? Buffer.alloc(0), atUs: sentAtUs(record), http: null }
}
