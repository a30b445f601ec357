/** The payment provider's HTTP interface, as the functions use it: an amount moved once, or a failure as a value. */
import { type Context, type Failure, fail, retry, z } from 'millrace'

/** One amount that moved, as it stands in the outputs of `bill` and `pay`. Amounts in minor units. */
export const entrySchema = z.object({
  role: z.enum(['viewer', 'advertiser', 'rights_holder', 'carrier', 'platform']),
  party: z.string(),
  account: z.string(),
  amount: z.int().positive(),
  /** The provider's number for it. */
  id: z.string(),
  /** Given to the provider, so that it happens once. */
  key: z.string(),
})
export type Entry = z.infer<typeof entrySchema>

/** What `bill` and `pay` give back: `total` is the sum of the entries' amounts. */
export const movedSchema = z.object({ currency: z.string(), total: z.int(), entries: z.array(entrySchema) })

export type Moved = z.infer<typeof movedSchema>

export type Order = Omit<Entry, 'id' | 'key'>

/** All of them at once; one that fails does not stop the others, whose outcome must be known all the same. */
export async function moveAll(
  kind: 'charges' | 'payouts',
  orders: readonly Order[],
  currency: string,
  context: Context,
): Promise<Moved | Failure> {
  const answers = await Promise.all(orders.map((order) => move(kind, order, currency, context)))
  const refused = answers.filter(wasRefused)
  if (refused.length > 0) return refused.find(({ kind }) => kind === 'fail') ?? refused[0]!
  const entries = answers as Entry[]
  return { currency, total: entries.reduce((sum, { amount }) => sum + amount, 0), entries }
}

export function wasRefused(answer: Entry | Moved | Failure): answer is Failure {
  return 'code' in answer
}

/** Asks for one movement. The key is this step's and this party's: a later attempt finds it done. */
export async function move(
  kind: 'charges' | 'payouts',
  order: Order,
  currency: string,
  context: Context,
): Promise<Entry | Failure> {
  const key = `${context.idempotencyKey}:${order.role}:${order.party}`
  const body = { account: order.account, amount: order.amount, currency, reference: context.transactionId }
  try {
    const response = await fetch(`${providerUrl()}/${kind}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
      signal: context.signal,
    })
    const answer = answerSchema.safeParse(await response.json())
    if (response.status === 201 && answer.success && answer.data.id) return { ...order, key, id: answer.data.id }
    return failureOf(response.status, answer.data ?? {})
  } catch (error) {
    return unreached(error)
  }
}

const answerSchema = z.object({
  id: z.string().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
})

function failureOf(status: number, { code, message = '' }: z.infer<typeof answerSchema>): Failure {
  if (status === 402) return fail(code ?? 'declined', message || 'the provider declined')
  if (status >= 500 || status === 429)
    return retry('provider_unavailable', `the provider answered ${status} ${message}`)
  return fail('provider_refused', `the provider answered ${status} ${code ?? ''} ${message}`)
}

/** Fetch throws when it got no answer or half of one; whether the money moved is not known, and the key will tell. */
function unreached(error: unknown): Failure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return retry('provider_connection_lost', cause instanceof Error ? cause.message : String(cause))
}

function providerUrl(): string {
  const url = process.env.PROVIDER_URL
  if (!url) throw new Error('the environment has no PROVIDER_URL: the address of the payment provider')
  return url
}
