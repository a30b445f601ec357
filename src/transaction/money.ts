/** What functions post, and what a compensation reverses of it. */
import { EngineError } from '../base/error.ts'
import type { Json } from '../envelope/json.ts'
import type { FunctionStep, UndoStep } from '../workflow/plan.ts'
import type { Posted } from './attempt.ts'
import type { Draft, Place } from './draft.ts'
import type { PostingRow, RecordPosting } from './effect.ts'
import type { AttemptEnded } from './event.ts'
import { isUndone } from './lost.ts'
import type { Movement, StepProgress } from './transaction.ts'

/** Of an attempt that ended well. Throws `EngineError` when a compensation brings an account to what is not declared. */
export function postingsOf(draft: Draft, place: Place<FunctionStep>, event: AttemptEnded): readonly RecordPosting[] {
  const { step, frame } = place
  const own = (event.report.posted ?? none).map((each, n) =>
    posting(draft, place, event, { ...movementOf(each, event, n), key: each.key }),
  )
  if (step.kind !== 'undo') return own
  const done = moneyOf(frame.get(step.of))
  if (step.postings === 'own') {
    checkNet(step, place, [...done, ...own.map(({ row }) => row)])
    return own
  }
  return [...own, ...reversalsOf(draft, { step, frame }, event, own.length)]
}

/** What brings its step's postings to nothing; also where a person says that it has been undone. */
export function reversalsOf(
  draft: Draft,
  place: Place<UndoStep>,
  of: Pick<AttemptEnded, 'attempt'>,
  from = 0,
): readonly RecordPosting[] {
  const { step, frame } = place
  if (step.postings === 'own') return none
  return moneyOf(frame.get(step.of)).map((each, at) => reversal(draft, place, of, { ...each, n: from + at }, each))
}

const none: readonly never[] = Object.freeze([])

/** Its step keeps what it has posted, for the case that it is undone. */
export function withMoney(step: FunctionStep, progress: StepProgress, event: AttemptEnded): StepProgress {
  const { posted = none } = event.report
  if (posted.length === 0 || !isUndone(step)) return progress
  return { ...progress, inside: { kind: 'money', posted: posted.map((each, n) => movementOf(each, event, n)) } }
}

function moneyOf({ inside }: StepProgress): readonly Movement[] {
  return inside?.kind === 'money' ? inside.posted : none
}

function movementOf(
  { debit, credit, amount, currency, party }: Posted,
  { attempt }: AttemptEnded,
  n: number,
): Movement {
  return { attempt, n, debit, credit, amount: BigInt(amount), currency, party }
}

function posting(
  { transaction, atUs }: Draft,
  { step, frame }: Place,
  { attempt }: Pick<AttemptEnded, 'attempt'>,
  { n, debit, credit, amount, currency, party, key }: Movement & { readonly key: string | null },
  reverses: PostingRow['reverses'] = null,
): RecordPosting {
  const at = { transactionId: transaction.id, step: step.no, item: frame.item, attempt, n }
  return {
    type: 'RecordPosting',
    row: { ...at, debit, credit, amount, currency, party, chargeKey: key, reverses, atUs },
  }
}

/** The same amount, the other way round. */
function reversal(
  draft: Draft,
  place: Place<UndoStep>,
  event: Pick<AttemptEnded, 'attempt'>,
  movement: Movement,
  of: Movement,
) {
  const { step } = place
  const { debit, credit } = movement
  const turned = { ...movement, debit: credit, credit: debit, key: null }
  const reverses = { step: step.of, attempt: of.attempt, n: of.n }
  return posting(draft, place, event, turned, reverses)
}

function checkNet(
  step: UndoStep,
  { frame }: Place,
  movements: readonly Pick<Movement, 'debit' | 'credit' | 'amount' | 'currency'>[],
): void {
  const sums = new Map<string, bigint>()
  const add = (account: string, currency: string, amount: bigint) => {
    const name = `${account} ${currency}`
    sums.set(name, (sums.get(name) ?? 0n) + amount)
  }
  for (const { debit, credit, amount, currency } of movements) {
    add(debit, currency, -amount)
    add(credit, currency, amount)
  }
  const declared = netOf(step, frame.scope())
  for (const [account, wanted] of declared) {
    if (wanted === 0n || movements.some(({ debit, credit }) => debit === account || credit === account)) continue
    throw new EngineError('net_differs', `${account} comes to 0, declared is ${wanted}`)
  }
  for (const [name, sum] of sums) {
    const wanted = declared.get(name.slice(0, name.lastIndexOf(' '))) ?? 0n
    if (sum !== wanted) throw new EngineError('net_differs', `${name} comes to ${sum}, declared is ${wanted}`)
  }
}

function netOf(
  { net }: UndoStep,
  scope: Parameters<NonNullable<UndoStep['net']>['render']>[0],
): ReadonlyMap<string, bigint> {
  const given = (net?.render(scope) ?? {}) as Readonly<Record<string, Json>>
  return new Map(Object.entries(given).map(([account, amount]) => [account, wholeOf(account, amount)]))
}

function wholeOf(account: string, amount: Json): bigint {
  if (typeof amount === 'bigint' || Number.isSafeInteger(amount)) return BigInt(amount as number)
  throw new EngineError('expression_failed', `net: ${account} is not a whole number of minor units`)
}
