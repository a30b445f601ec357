/**
 * What is undone: all that was done, in the reverse order, each once, once it is decided that a transaction will not complete;
 * and nothing of one that completes. What is done again later is another matter.
 */
import type { Invocation, InvocationResult, OfLane } from '../../../src/coordinator/ports.ts'
import type { AttemptRow, EndingRow } from '../../../src/transaction/effect.ts'
import type { Step } from '../../../src/workflow/plan.ts'
import type { Written } from '../ledger/commit.ts'
import type { Tables } from '../ledger/tables.ts'
import { nameOfPlace, placeOf, stepAt } from '../place.ts'
import type { Provider } from '../provider.ts'
import { holds } from './verdict.ts'

const order = 'undone in reverse order'
const whole = 'undone completely'
const never = 'nothing is undone of what completes'

interface Done {
  readonly name: string
  readonly step: number
  readonly item: string
  /** Of a call: the transaction it made. */
  readonly child: string | null
  /** When it was done, against others. */
  readonly at: number
  undone: boolean
}

export class Undoing {
  readonly #tables: Tables
  readonly #provider: Provider
  readonly #done = new Map<string, Done[]>()
  readonly #keys = new Map<string, string>()
  #count = 0

  constructor(tables: Tables, provider: Provider) {
    this.#tables = tables
    this.#provider = provider
  }

  written(written: Written): void {
    for (const { transactionId, from } of written.reopened) if (from !== null) this.#forget(transactionId, from)
    for (const row of written.attempts) this.#note(row)
    for (const row of written.endings) this.#judgeEnding(row)
  }

  invoked(invocation: Invocation): void {
    const { transactionId: id } = invocation
    const row = this.#tables.transactions.get(id)
    const place = placeOf(invocation)
    const step = row && stepAt(this.#tables.planOf(row), place)
    if (!step) return
    const name = `${nameOfPlace(place)} of ${id}`
    const isTurned = this.#isTurned(id)
    holds(place.isUndo === isTurned, never, () =>
      isTurned ? `${name} was asked for though it is turned back` : `${name} was asked for before it was turned back`,
    )
    if (!place.isUndo) return
    holds(!this.#tables.isInDoubt(id), order, () => `${name} was asked for while a step is in doubt`)
    const { steps } = this.#tables.planOf(row)
    const running = this.#tables.unknownOf(id).find((each) => steps[each.step]?.kind !== 'undo')
    holds(!running, order, () => `${name} was asked for while step ${running?.step} may run`)
    this.#judgeTurn(id, step.no - 1, place.item, name)
  }

  #isTurned(id: string): boolean {
    const round = this.#tables.roundOf(id)
    return this.#tables.turns.get(id)?.some((turn) => turn.round === round) ?? false
  }

  /** All that was done after it is undone. */
  #judgeTurn(id: string, step: number, item: string, name: string): void {
    const own = this.#owed(id).find((each) => each.step === step && each.item === item)
    holds(own, order, () => `${name}: that step has done nothing that is to be undone`)
    const later = this.#owed(id).find((each) => each.at > own.at)
    holds(!later, order, () => `${name}: ${later?.name} was done after it, and is not undone`)
  }

  /** What runs again was undone, or need not be. */
  #forget(id: string, from: number): void {
    const all = this.#done.get(id) ?? []
    const left = this.#owed(id).find((each) => each.step >= from && each.child === null && this.#isKnown(id, each))
    holds(!left, whole, () => `${id} runs again from ${from}, and ${left?.name} was not undone`)
    this.#done.set(
      id,
      all.filter((each) => each.step < from),
    )
  }

  /** One of unknown effect is asked for again under its key. */
  #isKnown(id: string, { step, item }: Done): boolean {
    const rows = this.#tables.attemptsOf(id).filter((row) => row.step === step && row.item === item)
    return rows.at(-1)?.stepState === 'ok'
  }

  #owed(id: string): Done[] {
    return (this.#done.get(id) ?? []).filter((each) => !this.#isUndone(each))
  }

  #isUndone({ child, undone }: Done): boolean {
    if (child === null) return undone
    const state = this.#tables.endings.get(child)?.state
    return state === 'compensated' || state === 'cancelled'
  }

  /** What it called has failed, and something that did is not undone. */
  #owes(child: string | null): boolean {
    return child !== null && this.#tables.endings.get(child)?.state === 'failed' && this.#owed(child).length > 0
  }

  #note(row: OfLane<AttemptRow>): void {
    const { transactionId: id, step: no, item, stepState, unknown } = row
    const transaction = this.#tables.transactions.get(id)
    if (!transaction) return
    const step = this.#tables.planOf(transaction).steps[no] as Step
    const at = ++this.#count
    if (step.kind === 'undo') {
      if (stepState === 'ok') this.#undone(id, step.of, item)
      return
    }
    const child = step.kind === 'call' ? this.#childOf(id, no, item) : null
    const isOwed =
      step.kind === 'invoke'
        ? step.compensate !== null && (stepState === 'ok' || (stepState === 'failed' && unknown))
        : child !== null && (stepState === 'ok' || (stepState === 'failed' && this.#owes(child)))
    if (!isOwed) return
    const all = (this.#done.get(id) ?? []).filter((each) => each.step !== no || each.item !== item)
    const name = `${step.id}${item === '' ? '' : `[${item}]`}`
    this.#done.set(id, [...all, { name, step: no, item, child, at, undone: false }])
  }

  #childOf(id: string, step: number, item: string): string | null {
    const isOf = (parent: { step: number; item: string } | null) => parent?.step === step && parent.item === item
    return this.#tables.children.get(id)?.findLast((row) => isOf(row.parent))?.id ?? null
  }

  #undone(id: string, step: number, item: string): void {
    const done = (this.#done.get(id) ?? []).find((each) => each.step === step && each.item === item)
    holds(done, order, () => `${id}: step ${step}[${item}] is undone, and had done nothing`)
    holds(!done.undone, order, () => `${id}: ${done.name} is undone twice`)
    this.#judgeTurn(id, step, item, `undo of ${done.name} of ${id}`)
    done.undone = true
  }

  #judgeEnding({ transactionId: id, state, errorCode }: EndingRow): void {
    const owed = this.#owed(id)
    const undone = (this.#done.get(id) ?? []).length - owed.length
    const what = () =>
      `${id} ended ${state} ${errorCode ?? ''}: ${undone} undone, ${owed.map(({ name }) => name).join(' ')} not`
    // What it called may have been undone by an operator's word, which is no matter of its caller's.
    const own = (this.#done.get(id) ?? []).filter((each) => each.child === null && each.undone)
    if (state === 'completed') holds(own.length === 0, never, what)
    else if (state === 'failed') holds(owed.length > 0 || undone === 0, whole, what)
    else holds(owed.length === 0, whole, what)
  }

  /** Once nothing runs any more: what was charged for what is undone was given back, and of what completed nothing was. */
  judgeBook(): void {
    for (const [id, { state }] of this.#tables.endings) if (state === 'completed') this.#judgeKept(id)
    for (const [key, charge] of [...this.#provider.keyed, ...this.#unkeyed()]) {
      const { transactionId: id } = charge
      const row = this.#tables.transactions.get(id)
      const place = placeOf({ idempotencySeed: key })
      const step = row && stepAt(this.#tables.planOf(row), place)
      if (step?.kind !== 'invoke' || step.compensate === null || this.#wasInDoubt(id)) continue
      const state = this.#tables.endings.get(id)?.state
      const name = `${nameOfPlace(place)} of ${id}, which ended ${state}`
      if (state === 'compensated' || state === 'cancelled') holds(charge.isVoid, whole, () => `${name}, is charged`)
      const isFirst = state === 'completed' && this.#tables.roundOf(id) === 1
      if (isFirst) holds(!charge.isVoid, never, () => `${name}, was given back`)
    }
  }

  /** Under which key each last ended well. */
  ended(invocation: Invocation, { outcome }: InvocationResult): void {
    if (outcome !== 'ok' || invocation.forwardSeed !== null) return
    this.#keys.set(`${invocation.transactionId}/${nameOfPlace(placeOf(invocation))}`, invocation.idempotencySeed)
  }

  /** Of one that was opened again and has completed, what it did last is not given back. */
  #judgeKept(id: string): void {
    const row = this.#tables.transactions.get(id)
    if (!row || this.#wasInDoubt(id)) return
    for (const each of this.#owed(id)) {
      if (this.#mayBeUndone(id, each)) continue
      const key = this.#keys.get(`${id}/${each.name}`)
      const charge = key === undefined ? undefined : this.#provider.keyed.get(key)
      holds(!charge?.isVoid, never, () => `${each.name} of ${id}, which completed, was given back`)
      const isRefused = key !== undefined && charge === undefined && this.#provider.voided.has(key)
      holds(!isRefused, never, () => `${each.name} of ${id}, which completed, asked under a key that is void`)
    }
  }

  /** What was to undo it has failed, and nobody knows what that did: whoever goes on from behind it takes it for granted. */
  #mayBeUndone(id: string, { step, item }: Done): boolean {
    return this.#tables.attemptsOf(id).some((row) => row.step === step + 1 && row.item === item)
  }

  #unkeyed() {
    return [...this.#provider.unkeyed].flatMap(([key, all]) => all.map((each) => [key, each] as const))
  }

  /** A person's word need not be true. */
  #wasInDoubt(id: string): boolean {
    return this.#tables.attemptsOf(id).some((row) => row.stepState === 'in_doubt' || row.resolvedBy !== null)
  }
}
