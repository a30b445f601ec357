/** What must be moved so that each party has been billed, or paid, what is due. */
import { z } from 'millrace'
import { type Entry, nameOf, type Order, partySchema } from './provider.ts'

export const adjustmentSchema = partySchema.extend({
  side: z.enum(['billed', 'paid']),
  /** `less`: so much of the movement under the key `of` is given back. */
  change: z.enum(['more', 'less']),
  of: z.string().nullable(),
})
export type Adjustment = z.infer<typeof adjustmentSchema>

export function adjustmentsOf(side: Adjustment['side'], before: readonly Entry[], due: readonly Order[]): Adjustment[] {
  const entryOf = new Map(before.map((entry) => [nameOf(entry), entry]))
  const dueOf = new Map(due.map((order) => [nameOf(order), order]))
  return [...new Set([...entryOf.keys(), ...dueOf.keys()])].flatMap((name) => {
    const [entry, order] = [entryOf.get(name), dueOf.get(name)]
    const change = (order?.amount ?? 0) - (entry?.amount ?? 0)
    if (change === 0) return []
    const { role, party, account } = (order ?? entry)!
    const to = { role, party, account, amount: Math.abs(change), side }
    return [{ ...to, change: change > 0 ? 'more' : 'less', of: entry?.key ?? null } as const]
  })
}
