/** Who is to be billed for the view and who is to be paid, and how much each: both sides come to the same total. */
import { defineFunction, z } from 'millrace'
import { adsSchema, billedFor, paidFrom } from '../../video/parties.ts'
import { partySchema, totalOf, wasRefused } from '../../video/provider.ts'
import { planSchema, readWorld } from '../../video/world.ts'

export default defineFunction({
  effects: 'none',
  input: z.object({
    viewer: z.string(),
    country: z.string(),
    plan: planSchema,
    card: z.string(),
    film: z.string(),
    region: z.string(),
    ads: adsSchema,
  }),
  output: z.object({
    currency: z.string(),
    total: z.int(),
    billed: z.array(partySchema),
    paid: z.array(partySchema),
  }),
  async run({ input }) {
    const world = await readWorld()
    const bill = billedFor(input, world)
    if (wasRefused(bill)) return bill
    const total = totalOf(bill.billed)
    const paid = paidFrom(total, input.film, input.region, world)
    return wasRefused(paid) ? paid : { ...bill, total, paid }
  },
})
