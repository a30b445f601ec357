/** Bills one party: charges its card or account once, and posts it. */
import { defineFunction, z } from 'millrace'
import { postingOf } from '../../video/postings.ts'
import { entrySchema, move, partySchema, wasRefused } from '../../video/provider.ts'

export default defineFunction({
  input: z.object({ party: partySchema, currency: z.string() }),
  output: entrySchema,
  async run({ input: { party, currency }, context }) {
    const charged = await move('charges', party, currency, context.idempotencyKey, context)
    if (!wasRefused(charged)) context.post(postingOf(true, charged, currency))
    return charged
  },
})
