/** Who is billed for a view, and who has which share of that. */
import { type Failure, fail, z } from 'millrace'
import { nameOf, type Order } from './provider.ts'
import { split } from './split.ts'
import type { Plan, World } from './world.ts'

/** What the ads provider offered; null when the plan has none or none could be had. */
export const adsSchema = z
  .object({
    currency: z.string(),
    spots: z.array(z.object({ advertiser: z.string(), account: z.string(), price: z.int().positive() })),
  })
  .nullable()

export interface View {
  readonly viewer: string
  readonly country: string
  readonly plan: Plan
  readonly card: string
  readonly ads: z.infer<typeof adsSchema>
}

/** The viewer first. */
export function billedFor(view: View, world: World): { currency: string; billed: Order[] } | Failure {
  const currency = world.currencies[view.country] ?? 'USD'
  const price = world.prices[currency]?.[view.plan]
  if (price === undefined) return fail('no_price', `no price for ${view.plan} in ${currency}`)
  if (view.ads && view.ads.currency !== currency) return fail('currency_mismatch', `ads are not in ${currency}`)
  const viewer: Order = { role: 'viewer', party: view.viewer, account: view.card, amount: price }
  const spots = (view.ads?.spots ?? []).map(({ advertiser, account, price: amount }): Order => {
    return { role: 'advertiser', party: advertiser, account, amount }
  })
  return { currency, billed: [viewer, ...merged(spots)] }
}

/** Shares of a total, to the last minor unit; a share too small for one is no payout. */
export function paidFrom(total: number, filmId: string, regionId: string, world: World): Order[] | Failure {
  const film = world.films.find(({ id }) => id === filmId)
  if (film === undefined) return fail('unknown_film', `no film ${filmId}`)
  const region = world.regions.find(({ id }) => id === regionId)
  if (region === undefined) return fail('unknown_region', `no region ${regionId}`)
  const { rightsHolder } = film
  const platformBp = 10_000 - rightsHolder.shareBp - world.carrierShareBp
  const [rights, carrier, platform] = split(total, [rightsHolder.shareBp, world.carrierShareBp, platformBp])
  const orders: Order[] = [
    { role: 'rights_holder', party: rightsHolder.id, account: rightsHolder.account, amount: rights! },
    { role: 'carrier', party: region.operator.id, account: region.operator.account, amount: carrier! },
    { role: 'platform', party: world.platform.id, account: world.platform.account, amount: platform! },
  ]
  return orders.filter(({ amount }) => amount > 0)
}

/** Several spots of one advertiser are one bill. */
function merged(orders: readonly Order[]): Order[] {
  const byParty = new Map<string, Order>()
  for (const order of orders) {
    const amount = order.amount + (byParty.get(nameOf(order))?.amount ?? 0)
    byParty.set(nameOf(order), { ...order, amount })
  }
  return [...byParty.values()]
}
