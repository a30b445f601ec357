/** Pays one party its share once, and posts it. */
import { defineFunction, z } from 'millrace'
import { postingOf } from '../../video/postings.ts'
import { entrySchema, move, partySchema, wasRefused } from '../../video/provider.ts'

export default defineFunction({
  input: z.object({ party: partySchema, currency: z.string() }),
  output: entrySchema,
  async run({ input: { party, currency }, context }) {
    const paid = await move('payouts', party, currency, context.idempotencyKey, context)
    if (!wasRefused(paid)) context.post(postingOf(false, paid, currency))
    return paid
  },
})
