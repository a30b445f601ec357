/** Pays all parties their shares of what was billed, to the last minor unit. */
import { defineFunction, fail, z } from 'millrace'
import { moveAll, movedSchema, type Order } from '../../video/provider.ts'
import { split } from '../../video/split.ts'
import { type Film, type Region, readWorld, type World } from '../../video/world.ts'

export default defineFunction({
  input: z.object({ currency: z.string(), total: z.int().positive(), film: z.string(), region: z.string() }),
  output: movedSchema,
  async run({ input, context }) {
    const world = await readWorld()
    const film = world.films.find(({ id }) => id === input.film)
    if (film === undefined) return fail('unknown_film', `no film ${input.film}`)
    const region = world.regions.find(({ id }) => id === input.region)
    if (region === undefined) return fail('unknown_region', `no region ${input.region}`)
    return moveAll('payouts', payouts(input.total, film, region, world), input.currency, context)
  },
})

/** A share too small for one minor unit is no payout. */
function payouts(total: number, { rightsHolder }: Film, { operator }: Region, world: World): Order[] {
  const platformBp = 10_000 - rightsHolder.shareBp - world.carrierShareBp
  const amounts = split(total, [rightsHolder.shareBp, world.carrierShareBp, platformBp])
  const orders: Order[] = [
    { role: 'rights_holder', party: rightsHolder.id, account: rightsHolder.account, amount: amounts[0]! },
    { role: 'carrier', party: operator.id, account: operator.account, amount: amounts[1]! },
    { role: 'platform', party: world.platform.id, account: world.platform.account, amount: amounts[2]! },
  ]
  return orders.filter(({ amount }) => amount > 0)
}
