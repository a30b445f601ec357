/** The payment provider's HTTP interface, as the functions use it: an amount moved once, or a failure as a value. */
import { type Context, type Failure, fail, retry, z } from 'millrace'

/** Whom an amount is moved from or to. Amounts in minor units. */
export const partySchema = z.object({
  role: z.enum(['viewer', 'advertiser', 'rights_holder', 'carrier', 'platform']),
  party: z.string(),
  account: z.string(),
  amount: z.int().positive(),
})
export type Order = z.infer<typeof partySchema>

/** One amount that moved, as it stands in outputs. */
export const entrySchema = partySchema.extend({
  /** The provider's number for it. */
  id: z.string(),
  /** Given to the provider, so that it happens once. */
  key: z.string(),
})
export type Entry = z.infer<typeof entrySchema>

/** `total` is the sum of the entries' amounts. */
export const movedSchema = z.object({ currency: z.string(), total: z.int(), entries: z.array(entrySchema) })

export type Moved = z.infer<typeof movedSchema>

export type Movement = 'charges' | 'payouts'

export function totalOf(entries: readonly { readonly amount: number }[]): number {
  return entries.reduce((sum, { amount }) => sum + amount, 0)
}

export function wasRefused<Answer extends object>(answer: Answer | Failure): answer is Failure {
  return 'code' in answer
}

/**
 * Asks for one movement; a later attempt with the same key finds it done. Throws when there is no telling whether it is, so
 * that nobody takes it for undone.
 */
export async function move(
  kind: Movement,
  order: Order,
  currency: string,
  key: string,
  context: Context,
): Promise<Entry | Failure> {
  const { account, amount } = order
  const body = { account, amount, currency, party: nameOf(order), reference: context.transactionId }
  const answer = await ask(kind, key, body, context)
  return wasRefused(answer) ? answer : { ...order, key, id: answer.id }
}

/** Gives back a part of what was moved under the key `of`. Throws as `move` does. */
export async function refund(of: string, order: Order, key: string, context: Context): Promise<Entry | Failure> {
  const body = { of, amount: order.amount, reference: context.transactionId }
  const answer = await ask('refunds', key, body, context)
  return wasRefused(answer) ? answer : { ...order, key, id: answer.id }
}

/** Undoes what was moved under the key `of`, if anything was; if it comes later, it is refused then. */
export async function voidMovement(
  of: string,
  key: string,
  context: Context,
): Promise<{ readonly id: string; readonly amount: number } | Failure> {
  return ask('voids', key, { of, reference: context.transactionId }, context)
}

/** An account of the ledger, and the provider's word for whom it is about. */
export function nameOf({ role, party }: Pick<Order, 'role' | 'party'>): string {
  return `${role}:${party}`
}

interface Done {
  readonly id: string
  readonly amount: number
}

async function ask(path: string, key: string, body: object, context: Context): Promise<Done | Failure> {
  const { status, answer } = await post(path, key, body, context)
  if (status === 201 && answer.id !== undefined && answer.amount !== undefined) {
    return { id: answer.id, amount: answer.amount }
  }
  return failureOf(status, answer)
}

const answerSchema = z.object({
  id: z.string().optional(),
  amount: z.int().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
})
type Answer = z.infer<typeof answerSchema>

async function post(path: string, key: string, body: object, context: Context) {
  const url = `${providerUrl()}/${path}`
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
      signal: context.signal,
    })
    return { status: response.status, answer: answerSchema.parse(await response.json()) }
  } catch (error) {
    throw new Unreached(error)
  }
}

/** No answer, or half of one: whether the money moved is not known, and the key will tell. */
class Unreached extends Error {
  readonly code = 'provider_connection_lost'

  constructor(error: unknown) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    super(cause instanceof Error ? cause.message : String(cause))
  }
}

function failureOf(status: number, { code, message = '' }: Answer): Failure {
  if (status === 402) return fail(code ?? 'declined', message || 'the provider declined')
  if (status === 410) return fail('voided', message || 'it was voided before it came')
  if (status === 503 || status === 429)
    return retry('provider_unavailable', `the provider answered ${status} ${message}`)
  if (status >= 500) throw new Unreached(`the provider answered ${status} ${message}`)
  return fail('provider_refused', `the provider answered ${status} ${code ?? ''} ${message}`)
}

function providerUrl(): string {
  const url = process.env.PROVIDER_URL
  if (!url) throw new Error('the environment has no PROVIDER_URL: the address of the payment provider')
  return url
}
