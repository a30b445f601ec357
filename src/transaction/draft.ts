/**
 * A transaction on its way through a transition: a copy that nobody else has, changed in place until the transition is
 * done. Steps are reached through frames, one for the whole and one for each item of a `forEach`.
 */
import type { Json } from '../envelope/json.ts'
import type { ForEachStep, Plan, Scope, Step } from '../workflow/plan.ts'
import type { Effect } from './effect.ts'
import {
  type Failure,
  type Item,
  isSettled,
  nothing,
  type Output,
  type StepProgress,
  type Transaction,
  type TransactionState,
  untouched,
} from './transaction.ts'

/** What a transition gives: the transaction as it is now, and what it asks for. */
export interface Moved {
  readonly transaction: Transaction
  readonly effects: readonly Effect[]
}

export interface Draft extends Moved {
  readonly transaction: Copy
  readonly effects: Effect[]
  readonly root: Frame
  /** When this happens, µs. */
  readonly atUs: number
  /** What was met on the last way through all steps that have not ended. */
  readonly held: Held
}

interface Copy extends Transaction {
  state: TransactionState
  failure: Failure | null
  round: number
  settled: number
  readonly steps: StepProgress[]
}

/** How many steps run (a retry delay included), stand in doubt, and which rest. */
export interface Held {
  running: number
  inDoubt: number
  resting: Place[]
}

/** A step of a frame. */
export interface Place<Kind extends Step = Step> {
  readonly step: Kind
  readonly frame: Frame
}

export function draftOf(transaction: Transaction, atUs: number): Draft {
  const copy = { ...transaction, steps: transaction.steps.slice() }
  const root = new Frame(copy.plan, copy, null)
  return { transaction: copy, effects: [], root, atUs, held: { running: 0, inDoubt: 0, resting: [] } }
}

/** To read a transaction only. */
export function rootOf(transaction: Transaction): Frame {
  return new Frame(transaction.plan, transaction, null)
}

/** Where an item stands. */
interface Above {
  readonly frame: Frame
  readonly forEach: ForEachStep
  readonly place: number
}

/** The steps of the whole (`item` is empty), or of one item of a `forEach`. */
export class Frame {
  readonly item: string
  readonly above: Above | null
  readonly #plan: Plan
  readonly #of: { readonly envelope: Transaction['envelope'] }
  /** Number of the first step in it. */
  readonly #base: number
  #steps: readonly StepProgress[]
  #isOwn: boolean
  #items: Map<string, Frame> | null = null

  constructor(plan: Plan, of: Transaction, above: Above | null, steps: readonly StepProgress[] = of.steps) {
    this.#plan = plan
    this.#of = of
    this.above = above
    this.item = above === null ? '' : `${above.frame.item}${above.frame.item === '' ? '' : '.'}${above.place}`
    this.#base = above === null ? 0 : above.forEach.no + 1
    this.#steps = steps
    this.#isOwn = above === null
  }

  get(no: number): StepProgress {
    return this.#steps[no - this.#base] ?? untouched
  }

  set(no: number, progress: StepProgress): void {
    if (!this.#isOwn) this.#own()
    ;(this.#steps as StepProgress[])[no - this.#base] = progress
  }

  /** An item of one of its `forEach` steps, which has begun. */
  into(forEach: ForEachStep, place: number): Frame {
    const name = `${forEach.no}.${place}`
    this.#items ??= new Map()
    let frame = this.#items.get(name)
    if (!frame) {
      const steps = itemsOf(this.get(forEach.no))[place]?.steps ?? []
      frame = new Frame(this.#plan, this.#of as Transaction, { frame: this, forEach, place }, steps)
      this.#items.set(name, frame)
    }
    return frame
  }

  /** Says what an item has come to. */
  went(forEach: ForEachStep, place: number, went: Item['went']): void {
    const progress = this.get(forEach.no)
    const items = itemsOf(progress).slice()
    const item = items[place]
    if (!item || item.went === went) return
    items[place] = { ...item, went }
    this.set(forEach.no, { ...progress, inside: { kind: 'items', items } })
  }

  /** Steps that are written to are copied first, in the item above, too. */
  #own(): void {
    const { frame, forEach, place } = this.above as Above
    const steps = this.#steps.slice()
    const progress = frame.get(forEach.no)
    const items = itemsOf(progress).slice()
    const item = items[place] ?? { went: 'open', value: null, steps }
    items[place] = { ...item, steps }
    frame.set(forEach.no, { ...progress, inside: { kind: 'items', items } })
    this.#steps = steps
    this.#isOwn = true
  }

  /** What expressions see here. `more`: further names. */
  scope(more: Readonly<Record<string, Json>> | null = null): Scope {
    return new FrameScope(this, this.#plan, this.#of.envelope, more)
  }

  /** Items around it and their places, by the names that their `forEach` gives them. */
  names(): Record<string, Json> {
    if (this.above === null) return {}
    const { frame, forEach, place } = this.above
    const value = itemsOf(frame.get(forEach.no))[place]?.value ?? null
    return { ...frame.names(), [forEach.as]: value, [`${forEach.as}_index`]: place }
  }

  /** The frame in which a step stands, seen from here; null when it is of some item that this one is not in. */
  frameOf({ within }: Step): Frame | null {
    let frame: Frame = this
    for (let depth = this.depth; depth > within.length; depth--) frame = (frame.above as Above).frame
    return frame.depth === within.length && (frame.above?.forEach.no ?? -1) === (within.at(-1) ?? -1) ? frame : null
  }

  get depth(): number {
    return this.above === null ? 0 : this.above.frame.depth + 1
  }
}

export function itemsOf({ inside }: StepProgress): readonly Item[] {
  return inside?.kind === 'items' ? inside.items : none
}

const none: readonly never[] = Object.freeze([])

/** The frame of an item, or null when there is none such. */
export function frameAt(root: Frame, plan: Plan, step: Step, item: string): Frame | null {
  if (item === '') return step.within.length === 0 ? root : null
  const places = item.split('.').map(Number)
  if (places.length !== step.within.length) return null
  let frame = root
  for (const [depth, place] of places.entries()) {
    const forEach = plan.steps[step.within[depth] as number] as ForEachStep
    if (itemsOf(frame.get(forEach.no))[place] === undefined) return null
    frame = frame.into(forEach, place)
  }
  return frame
}

/** Most expressions read one step: what the others gave is not gathered for them. */
class FrameScope implements Scope {
  readonly event: Scope['event']
  readonly #frame: Frame
  readonly #plan: Plan
  readonly #more: Readonly<Record<string, Json>> | null

  constructor(frame: Frame, plan: Plan, event: Scope['event'], more: Readonly<Record<string, Json>> | null) {
    this.#frame = frame
    this.#plan = plan
    this.event = event
    this.#more = more
  }

  get names(): Readonly<Record<string, Json>> {
    return { ...this.#frame.names(), ...this.#more }
  }

  get steps(): Readonly<Record<string, Output>> {
    const outputs: Record<string, Output> = {}
    for (const step of this.#plan.steps) {
      const output = step.kind === 'undo' ? undefined : this.#outputOf(step)
      if (output) outputs[step.id] = output
    }
    return outputs
  }

  step(id: string): Output | undefined {
    const step = this.#plan.byId.get(id)
    return step && this.#outputOf(step)
  }

  /** Of what stands behind a block that has ended without it, null. */
  #outputOf(step: Step): Output | undefined {
    const frame = this.#frame.frameOf(step)
    if (frame === null) return undefined
    const progress = frame.get(step.no)
    if (isSettled(progress)) return progress.output
    return step.blocks.some((no) => isSettled(frame.get(no))) ? nothing : undefined
  }
}
