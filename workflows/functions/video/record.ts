/** The receipt of the whole: who was billed, who was paid, and that the two agree. */
import { defineFunction, fail, z } from 'millrace'
import { type Entry, movedSchema } from '../../video/provider.ts'

const line = z.object({ party: z.string(), role: z.string(), billed: z.int(), paid: z.int() })

export default defineFunction({
  input: z.object({
    viewer: z.string(),
    site: z.string(),
    film: z.string(),
    region: z.string(),
    session: z.string(),
    billed: movedSchema,
    paid: movedSchema,
  }),
  output: z.object({
    receipt: z.string(),
    viewer: z.string(),
    site: z.string(),
    film: z.string(),
    region: z.string(),
    session: z.string(),
    currency: z.string(),
    billed: z.int(),
    paid: z.int(),
    parties: z.array(line),
  }),
  run({ input: { billed, paid, ...about }, context }) {
    if (billed.currency !== paid.currency || billed.total !== paid.total) {
      return fail('unbalanced', `billed ${billed.total} ${billed.currency}, paid ${paid.total} ${paid.currency}`)
    }
    const parties = [...billed.entries.map(billedLine), ...paid.entries.map(paidLine)]
    const { currency } = billed
    return { receipt: context.transactionId, ...about, currency, billed: billed.total, paid: paid.total, parties }
  },
})

function billedLine({ party, role, amount }: Entry) {
  return { party, role, billed: amount, paid: 0 }
}

function paidLine({ party, role, amount }: Entry) {
  return { party, role, billed: 0, paid: amount }
}
