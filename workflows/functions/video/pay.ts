/** Pays all parties their shares of what was billed, to the last minor unit. */
import { defineFunction, z } from 'millrace'
import { paidFrom } from '../../video/parties.ts'
import { moveAll, movedSchema, wasRefused } from '../../video/provider.ts'
import { readWorld } from '../../video/world.ts'

export default defineFunction({
  input: z.object({ currency: z.string(), total: z.int().positive(), film: z.string(), region: z.string() }),
  output: movedSchema,
  async run({ input, context }) {
    const orders = paidFrom(input.total, input.film, input.region, await readWorld())
    return wasRefused(orders) ? orders : moveAll('payouts', orders, input.currency, context)
  },
})
