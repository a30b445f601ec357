/** Settles with one party: gives back what was moved too much, or moves what is missing, once, and posts it. */
import { type Context, defineFunction, type Failure, fail, z } from 'millrace'
import { type Adjustment, adjustmentSchema } from '../../video/adjustments.ts'
import { postingOf } from '../../video/postings.ts'
import { type Entry, entrySchema, move, refund, wasRefused } from '../../video/provider.ts'

export default defineFunction({
  input: z.object({ adjustment: adjustmentSchema, currency: z.string() }),
  output: entrySchema,
  async run({ input: { adjustment, currency }, context }) {
    const moved = await adjust(adjustment, currency, context)
    const pays = (adjustment.side === 'billed') === (adjustment.change === 'more')
    if (!wasRefused(moved)) context.post(postingOf(pays, moved, currency))
    return moved
  },
})

async function adjust(adjustment: Adjustment, currency: string, context: Context): Promise<Entry | Failure> {
  const { side, change, of, ...order } = adjustment
  const key = context.idempotencyKey
  if (change === 'more') return move(side === 'billed' ? 'charges' : 'payouts', order, currency, key, context)
  return of === null ? fail('nothing_to_refund', 'it names no movement') : refund(of, order, key, context)
}
