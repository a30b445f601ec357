/** Bills all parties: the viewer's card first, then, when spots were shown, their advertisers. */
import { type Context, defineFunction, type Failure, z } from 'millrace'
import { adsSchema, billedFor } from '../../video/parties.ts'
import { type Moved, moveAll, movedSchema, type Order, wasRefused } from '../../video/provider.ts'
import { planSchema, readWorld } from '../../video/world.ts'

export default defineFunction({
  input: z.object({ viewer: z.string(), country: z.string(), plan: planSchema, card: z.string(), ads: adsSchema }),
  output: movedSchema,
  async run({ input, context }) {
    const parties = billedFor(input, await readWorld())
    if (wasRefused(parties)) return parties
    const [viewer, ...advertisers] = parties.billed
    return bill(viewer!, advertisers, parties.currency, context)
  },
})

/** A card that declines costs no advertiser anything, so the viewer's comes first and alone. */
async function bill(viewer: Order, advertisers: Order[], currency: string, context: Context): Promise<Moved | Failure> {
  const charged = await moveAll('charges', [viewer], currency, context)
  if (wasRefused(charged)) return charged
  const others = await moveAll('charges', advertisers, currency, context)
  if (wasRefused(others)) return others
  return { currency, total: charged.total + others.total, entries: [...charged.entries, ...others.entries] }
}
