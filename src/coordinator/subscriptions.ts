/** Which workflows take a lane's records, and from which offset on; those among them whose files are gone. */
import type { Plan } from '../workflow/plan.ts'
import type { Place, ReadingRoom } from './arrival.ts'
import { type Catalogue, idsOf, takersOf } from './catalogue.ts'
import type { LaneRef, OpenedLane, SubscriptionRow } from './ports.ts'

export class Subscriptions {
  readonly #ref: LaneRef
  readonly #engine: string
  readonly #room: () => ReadingRoom
  readonly #from: Map<string, number>
  readonly #ids: Map<string, number>
  #takers: { readonly catalogue: Catalogue; readonly plans: readonly Plan[] } | null = null
  #gone: { readonly catalogue: Catalogue; readonly ids: readonly number[] } | null = null

  constructor(ref: LaneRef, engine: string, opened: OpenedLane, room: () => ReadingRoom) {
    this.#ref = ref
    this.#engine = engine
    this.#room = room
    this.#from = new Map(opened.subscriptions)
    this.#ids = new Map(opened.workflowIds)
  }

  /** Where a record stands, for whoever reads it. */
  placeOf({ offset }: { readonly offset: number }, admittedUs: number): Place {
    const { topic, partition, incarnation } = this.#ref
    const origin = { engine: this.#engine, topic, incarnation, partition, offset }
    return { origin, subscriptions: this.#from, admittedUs, gone: this.#goneNow(), redrivenFrom: null }
  }

  /** Those that take this record, as a trigger or for those who wait. */
  takersOf({ offset }: { readonly offset: number }): readonly Plan[] {
    const plans = this.#plans()
    const takes = ({ name }: Plan) => (this.#from.get(name) ?? 0) <= offset
    return plans.every(takes) ? plans : plans.filter(takes)
  }

  add({ workflowId, fromOffset }: SubscriptionRow): void {
    const name = this.nameOf(workflowId)
    if (name === null) return
    this.#from.set(name, fromOffset)
    this.#ids.set(name, workflowId)
  }

  /** Null: it is not here any more. */
  nameOf(workflowId: number): string | null {
    return this.#plans().find((plan) => this.idOf(plan) === workflowId)?.name ?? null
  }

  readonly idOf = (plan: Plan): number => idsOf(this.#room().catalogue, plan).workflowId

  /** Looked for once for each catalogue. */
  #plans(): readonly Plan[] {
    const { catalogue } = this.#room()
    if (this.#takers?.catalogue !== catalogue) {
      this.#takers = { catalogue, plans: takersOf(catalogue, this.#ref.topic) }
    }
    return this.#takers.plans
  }

  /** Looked for once for each catalogue. */
  #goneNow(): readonly number[] {
    const { catalogue } = this.#room()
    if (this.#gone?.catalogue === catalogue) return this.#gone.ids
    const here = new Set(this.#plans().map((plan) => plan.name))
    const ids = [...this.#ids].filter(([name]) => !here.has(name)).map(([, id]) => id)
    this.#gone = { catalogue, ids }
    return ids
  }
}
