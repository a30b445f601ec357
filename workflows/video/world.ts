/**
 * What the video functions know about the world: sites, regions, films, prices. In production each of these would be
 * a service or a database; here it is one file, named by the environment's DEMO_WORLD. It holds no secret.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'millrace'

export const planSchema = z.enum(['basic', 'plus', 'premium'])
export type Plan = z.infer<typeof planSchema>

const party = z.object({ id: z.string(), account: z.string() })

const site = z.object({ id: z.string(), name: z.string() })
export type Site = z.infer<typeof site>

const region = z.object({
  id: z.string(),
  city: z.string(),
  lat: z.number(),
  lng: z.number(),
  operator: party,
  host: z.string(),
  /** Countries (ISO 3166-1 alpha-2) it is licensed for. */
  serves: z.array(z.string()),
})
export type Region = z.infer<typeof region>

const film = z.object({
  id: z.string(),
  title: z.string(),
  genre: z.string(),
  /** How long it is. */
  seconds: z.int().positive(),
  rightsHolder: party.extend({
    name: z.string(),
    /** Its share of what a view earns, in basis points. */
    shareBp: z.int().min(0).max(10_000),
  }),
})
export type Film = z.infer<typeof film>

const prices = z.record(z.string(), z.record(planSchema, z.int().positive()))
export type Prices = z.infer<typeof prices>

const world = z.object({
  sites: z.array(site),
  /** By SHA-256 of the code in hex: players that were paired with a viewer's account. */
  pairings: z.record(z.string(), z.object({ viewer: z.string(), plan: planSchema })),
  regions: z.array(region),
  films: z.array(film),
  /** Currency by currency: what one view costs on each plan, in minor units. */
  prices,
  /** ISO 4217 by country. */
  currencies: z.record(z.string(), z.string()),
  platform: party,
  /** The streaming provider's share in basis points; the platform has what the rights holder and it leave. */
  carrierShareBp: z.int().min(0).max(10_000),
})
export type World = z.infer<typeof world>

/** Read once per process and file. */
export function readWorld(): Promise<World> {
  const file = process.env.DEMO_WORLD
  if (!file) throw new Error('the environment has no DEMO_WORLD: it names the JSON file of sites, regions and films')
  let reading = worlds.get(file)
  if (reading === undefined) {
    reading = readFile(file, 'utf8').then((text) => world.parse(JSON.parse(text)))
    reading.catch(() => worlds.delete(file))
    worlds.set(file, reading)
  }
  return reading
}

const worlds = new Map<string, Promise<World>>()
