/** Which spots are shown before the film, and what their advertisers pay: asks the ads provider. */
import { type Context, defineFunction, type Failure, retry, z } from 'millrace'
import { readWorld } from '../../video/world.ts'

const spot = z.object({
  id: z.string(),
  advertiser: z.string(),
  account: z.string(),
  seconds: z.int().positive(),
  /** Minor units of `currency`. */
  price: z.int().positive(),
})
const answer = z.object({ currency: z.string(), spots: z.array(spot) })

export default defineFunction({
  input: z.object({ country: z.string(), film: z.string() }),
  output: answer,
  async run({ input, context }) {
    const { films, currencies } = await readWorld()
    const criteria = films.find(({ id }) => id === input.film)?.genre ?? 'any'
    const currency = currencies[input.country] ?? 'USD'
    return ask(new URLSearchParams({ country: input.country, criteria, currency }), context)
  },
})

async function ask(query: URLSearchParams, context: Context): Promise<z.infer<typeof answer> | Failure> {
  try {
    const response = await fetch(`${process.env.ADS_URL}/ads?${query}`, { signal: context.signal })
    if (!response.ok) return retry('ads_unavailable', `the ads provider answered ${response.status}`)
    return answer.parse(await response.json())
  } catch (error) {
    return retry('ads_unavailable', error instanceof Error ? error.message : String(error))
  }
}
