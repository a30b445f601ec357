/** Puts the world together: what the functions may know (a file), and what only the demo knows (keys). */
import { writeFile } from 'node:fs/promises'
import type { World } from '../../workflows/video/world.ts'
import { makeFilms } from './films.ts'
import { makeCurrencies, makePrices } from './prices.ts'
import { makeRegions } from './regions.ts'
import { makeSites } from './sites.ts'
import { makeTokens, type Tokens } from './tokens.ts'

export interface DemoWorld {
  /** For the functions. */
  readonly facts: World
  readonly tokens: Tokens
  /** By site id. */
  readonly siteKeys: Readonly<Record<string, string>>
  /** Countries whose ads provider is down for as long as the demo runs: tell it so with `controlAds`. */
  readonly adsDownIn: readonly string[]
  readonly seed: string
  /** The first part of its events' ids. */
  readonly run: string
  readonly now: Date
}

/** The same for the same seed, but for the signing keys. */
export async function makeWorld(options: {
  seed: string | number
  /** Tells the runs on one ledger apart; the seed when nothing is said. */
  run?: string
  now?: Date
}): Promise<DemoWorld> {
  const { now = new Date() } = options
  const seed = String(options.seed)
  const tokens = await makeTokens(now)
  const sites = makeSites(seed)
  const facts: World = {
    tokens: tokens.facts,
    sites: sites.stored,
    regions: makeRegions(),
    films: makeFilms(),
    prices: makePrices(),
    currencies: makeCurrencies(),
    platform: { id: 'platform', account: 'acct_platform' },
    carrierShareBp: 1500,
  }
  return { facts, tokens, siteKeys: sites.keys, adsDownIn: ['NZ', 'PT'], seed, run: options.run ?? seed, now }
}

/** The file that DEMO_WORLD names. */
export function writeWorld(world: DemoWorld, file: string): Promise<void> {
  return writeFile(file, JSON.stringify(world.facts, null, 1))
}
