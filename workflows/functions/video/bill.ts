/** Bills all parties: the viewer's card first, then, when spots were shown, their advertisers. */
import { type Context, defineFunction, type Failure, fail, z } from 'millrace'
import { type Moved, move, moveAll, movedSchema, type Order, wasRefused } from '../../video/provider.ts'
import { planSchema, readWorld } from '../../video/world.ts'

const spots = z.array(z.object({ advertiser: z.string(), account: z.string(), price: z.int().positive() }))

export default defineFunction({
  input: z.object({
    viewer: z.string(),
    country: z.string(),
    plan: planSchema,
    card: z.string(),
    /** Null when the plan has none or none could be had. */
    ads: z.object({ currency: z.string(), spots }).nullable(),
  }),
  output: movedSchema,
  async run({ input, context }) {
    const { prices, currencies } = await readWorld()
    const currency = currencies[input.country] ?? 'USD'
    const price = prices[currency]?.[input.plan]
    if (price === undefined) return fail('no_price', `no price for ${input.plan} in ${currency}`)
    if (input.ads && input.ads.currency !== currency) return fail('currency_mismatch', `ads are not in ${currency}`)
    const viewer: Order = { role: 'viewer', party: input.viewer, account: input.card, amount: price }
    return bill(viewer, (input.ads?.spots ?? []).map(orderOf), currency, context)
  },
})

/** A card that declines costs no advertiser anything, so the viewer's comes first and alone. */
async function bill(viewer: Order, advertisers: Order[], currency: string, context: Context): Promise<Moved | Failure> {
  const charged = await move('charges', viewer, currency, context)
  if (wasRefused(charged)) return charged
  const others = await moveAll('charges', advertisers, currency, context)
  if (wasRefused(others)) return others
  return { currency, total: charged.amount + others.total, entries: [charged, ...others.entries] }
}

function orderOf(spot: z.infer<typeof spots>[number]): Order {
  return { role: 'advertiser', party: spot.advertiser, account: spot.account, amount: spot.price }
}
