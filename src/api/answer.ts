/** What a transaction answers: `respond.with` over what the ledger has of it, or the output of the step it is about. */
import { Together } from '../base/together.ts'
import { recall } from '../envelope/decode.ts'
import type { Json } from '../envelope/json.ts'
import { redacted } from '../envelope/secrets.ts'
import { scopeAtEnd } from '../transaction/publish.ts'
import { restore } from '../transaction/restore.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { planFromSource } from '../workflow/parse.ts'
import type { Plan, Respond, Scope } from '../workflow/plan.ts'
import type { DoorLedger, Kept } from './ports.ts'

/** Versions whose plans are kept: older ones are read again. */
const plansMax = 200

export class Answers {
  readonly #ledger: DoorLedger
  readonly #kept: Together<string, Kept | null>
  readonly #plans = new Map<string, Plan>()

  constructor(ledger: DoorLedger, askedMax: number) {
    this.#ledger = ledger
    this.#kept = new Together(async (ids) => {
      const rows = await ledger.kept([...new Set(ids)])
      const byId = new Map(rows.map((row) => [row.id, row]))
      return ids.map((id) => byId.get(id) ?? null)
    }, askedMax)
  }

  /** Throws `EngineError` `expression_failed`, or of an outage. Null: it is not there. */
  async of(id: string, respond: Respond): Promise<Json | null> {
    const scope = await this.#scopeOf(id)
    if (scope === null) return null
    if (respond.with !== null) return respond.with.render(scope)
    const step = respond.after?.id ?? scope.last
    return scope.steps[step]?.output ?? null
  }

  /** Null: nothing is said of it but its code. */
  async ofFailed(
    id: string,
    respond: Respond,
    error: { readonly code: string; readonly message: string },
  ): Promise<Json | null> {
    if (respond.failed.with === null) return null
    const scope = await this.#scopeOf(id)
    return scope === null ? null : respond.failed.with.render({ ...scope, error })
  }

  async #scopeOf(id: string): Promise<(Scope & { readonly last: string }) | null> {
    const kept = await this.#kept.add(id)
    if (kept === null) return null
    const plan = await this.#planOf(kept.version)
    return { ...scopeAtEnd(restored(kept, plan)), last: plan.body.at(-1)!.id }
  }

  async #planOf(version: string): Promise<Plan> {
    const known = this.#plans.get(version)
    if (known) return known
    const found = await this.#ledger.sourceOf(version)
    const plan = planFromSource(found?.source ?? '', found?.workflow ?? version)
    if (this.#plans.size >= plansMax) this.#plans.clear()
    this.#plans.set(version, plan)
    return plan
  }
}

/** Where it stands in Kafka is nothing that an answer is made of. */
function restored(kept: Kept, plan: Plan): Transaction {
  const { id, offset, key, admittedUs } = kept
  const stored = recall(kept.envelope, kept.eventId)
  const envelope = { ...stored, ...redacted(stored, plan.secrets) }
  return restore(
    { id, plan, position: { topic: '', partition: 0, offset }, key, envelope, admittedUs, parent: null },
    kept,
  )
}
