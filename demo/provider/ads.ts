/** The ads provider: which spots a viewer is shown, by country and genre; can be told to be down, also by country. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { z } from 'zod'
import { spotPrice } from '../world/prices.ts'
import { randomFrom } from '../world/random.ts'
import { answer, bodyOf, listen } from './http.ts'

const settingsSchema = z.strictObject({
  mode: z.enum(['ok', 'down']),
  /** Down for viewers of these countries only; without it, for all. */
  countries: z.array(z.string()).optional(),
})
export type AdsSettings = z.infer<typeof settingsSchema>

export function serveAds(port: number): Promise<Server> {
  let settings: AdsSettings = { mode: 'ok' }
  return listen(port, async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://ads')
    if (request.method === 'POST' && url.pathname === '/control') {
      settings = await control(settings, request, response)
    } else if (request.method === 'GET' && url.pathname === '/ads') {
      ads(settings, url.searchParams, response)
    } else answer(response, 404, { code: 'not_found' })
  })
}

export interface Spot {
  readonly id: string
  readonly advertiser: string
  readonly account: string
  readonly seconds: number
  /** Minor units of the asked currency. */
  readonly price: number
}

/** One or two spots of different advertisers, always the same for the same question. */
export function chooseSpots(country: string, criteria: string, currency: string): Spot[] {
  const random = randomFrom(`ads:${country}:${criteria}`)
  const chosen = random.shuffle(advertisers).slice(0, 1 + random.below(2))
  return chosen.map((advertiser) => {
    const seconds = random.pick([10, 15, 20, 30])
    const id = `spot-${advertiser}-${seconds}`
    return { id, advertiser, account: `acct_ads_${advertiser}`, seconds, price: spotPrice(currency, seconds) }
  })
}

/** Invented. */
const advertisers = ['brisk-kettle', 'lumen-bikes', 'northbound-tea', 'paperboat', 'quiet-shoes', 'saltmarsh-soap']

function ads(settings: AdsSettings, query: URLSearchParams, response: ServerResponse): void {
  const country = query.get('country') ?? ''
  const criteria = query.get('criteria') ?? ''
  const currency = query.get('currency') ?? 'USD'
  if (isDown(settings, country)) response.destroy()
  else if (country && criteria) answer(response, 200, { currency, spots: chooseSpots(country, criteria, currency) })
  else answer(response, 400, { code: 'invalid', message: 'country and criteria are needed' })
}

function isDown({ mode, countries }: AdsSettings, country: string): boolean {
  return mode === 'down' && (countries?.includes(country) ?? true)
}

async function control(before: AdsSettings, request: IncomingMessage, response: ServerResponse): Promise<AdsSettings> {
  const parsed = settingsSchema.safeParse(await bodyOf(request))
  if (!parsed.success) {
    answer(response, 400, { code: 'invalid', message: z.prettifyError(parsed.error) })
    return before
  }
  answer(response, 200, parsed.data)
  return parsed.data
}
