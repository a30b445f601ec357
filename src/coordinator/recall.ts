/** Transactions read back from the ledger, on the version they were admitted with. */
import { crashPoint } from '../base/crash-point.ts'
import type { Auth } from '../envelope/auth.ts'
import { recall } from '../envelope/decode.ts'
import type { Envelope } from '../envelope/envelope.ts'
import type { Sealer } from '../envelope/seal.ts'
import { withOpened } from '../envelope/sealed-fields.ts'
import { restore } from '../transaction/restore.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Plan } from '../workflow/plan.ts'
import type { Ledger, OpenedLane, OpenTransaction, PartitionRef, VersionIds } from './ports.ts'

export interface RecallParts {
  readonly ledger: Ledger
  readonly sealer: Sealer | null
  /** By version; what is learned is added. */
  readonly ids: Map<string, VersionIds>
  /** Rebuilds a plan from a stored source. */
  readonly planFromSource: (source: string, version: string) => Plan
}

export class Recall {
  readonly #parts: RecallParts
  /** By version: small beside what runs on them, and a version once used may be asked for at any time. */
  readonly #plans = new Map<string, Plan>()

  constructor(parts: RecallParts) {
    this.#parts = parts
  }

  know(plans: readonly Plan[]): void {
    for (const plan of plans) this.#plans.set(plan.version, plan)
  }

  /** One that is known by now. */
  planOf(version: string): Plan | undefined {
    return this.#plans.get(version)
  }

  /** Versions that only old transactions run on. */
  learn(sources: OpenedLane['sources']): void {
    const { ids, planFromSource } = this.#parts
    for (const [version, { source, workflowId, versionId }] of sources) {
      if (!this.#plans.has(version)) this.#plans.set(version, planFromSource(source, version))
      ids.set(version, { workflowId, versionId })
    }
  }

  /** Those that are in the ledger. Throws `EngineError`: an outage, or `seal_broken`. */
  async load(partition: PartitionRef, ids: readonly string[]): Promise<Transaction[]> {
    const records = await this.#parts.ledger.load(ids)
    crashPoint('recall.loaded')
    // Of what rests or has ended the versions are not told when its lane is opened.
    const unknown = new Set(records.map(({ version }) => version).filter((version) => !this.#plans.has(version)))
    if (unknown.size > 0) this.learn(await this.#parts.ledger.sources([...unknown]))
    return records.map((record) => this.#restored(partition, record))
  }

  #restored(partition: PartitionRef, record: OpenTransaction): Transaction {
    const plan = this.#plans.get(record.version) as Plan
    const envelope = this.#envelopeOf(record)
    return restore(
      {
        id: record.id,
        plan,
        position: { ...partition, offset: record.offset },
        key: record.key,
        envelope:
          plan.secrets.length === 0 ? envelope : withOpened(envelope, plan.secrets, this.#parts.sealer, record.id),
        admittedUs: record.admittedUs,
        parent: record.parent,
      },
      record,
    )
  }

  /** Coordinators before this one kept credentials sealed, for workflows of then, which read them from `event.auth`. */
  #envelopeOf({ envelope, eventId, auth }: OpenTransaction): Envelope {
    const { sealer } = this.#parts
    const recalled = recall(envelope, eventId)
    if (auth === null || sealer === null) return recalled
    return { ...recalled, auth: sealer.open(auth) as unknown as Auth }
  }
}
