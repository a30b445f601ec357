/** Puts the world together: what the functions may know (a file), and what only the demo knows (keys). */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { World } from '../../workflows/video/world.ts'
import { type Boxes, makeBoxes } from './boxes.ts'
import { makeFilms } from './films.ts'
import { makeCurrencies, makePrices } from './prices.ts'
import { makeRegions } from './regions.ts'
import { makeSites } from './sites.ts'
import { makeTokens, type Tokens } from './tokens.ts'
import { makeViewers } from './viewers.ts'

export interface DemoWorld {
  /** For the functions. */
  readonly facts: World
  readonly tokens: Tokens
  /** What the engine may know to authenticate with, by the name of the secret: public keys and hashes. */
  readonly secrets: Readonly<Record<string, string>>
  /** By site id. */
  readonly siteKeys: Readonly<Record<string, string>>
  /** What the requests of the site that signs them are signed with. */
  readonly partner: { readonly site: string; readonly secret: string }
  /** What the set-top boxes and paired players of its viewers show. */
  readonly boxes: Boxes
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
  /** So many requests are to come: their viewers have boxes. */
  events?: number
}): Promise<DemoWorld> {
  const { now = new Date(), events = 0 } = options
  const seed = String(options.seed)
  const tokens = await makeTokens(now)
  const sites = makeSites(seed)
  const boxes = makeBoxes(makeViewers(events, seed, adsDownIn), seed)
  const facts: World = {
    sites: sites.stored,
    pairings: boxes.pairings,
    regions: makeRegions(),
    films: makeFilms(),
    prices: makePrices(),
    currencies: makeCurrencies(),
    platform: { id: 'platform', account: 'acct_platform' },
    carrierShareBp: 1500,
  }
  const partner = {
    site: 'evening-reel',
    secret: `whsec_${Buffer.from(`${seed}:partner`.padEnd(32, '.')).toString('base64')}`,
  }
  const secrets = {
    viewer_keys: tokens.jwks,
    site_keys: sites.hashes,
    box_passwords: boxes.hashes,
    partner_hook: partner.secret,
  }
  const { run = seed } = options
  return { facts, tokens, secrets, siteKeys: sites.keys, partner, boxes, adsDownIn, seed, run, now }
}

const adsDownIn = ['NZ', 'PT']

/** The file that DEMO_WORLD names. */
export function writeWorld(world: DemoWorld, file: string): Promise<void> {
  return writeFile(file, JSON.stringify(world.facts, null, 1))
}

/** A file for each, in the folder that MILLRACE_SECRETS_DIR names. */
export async function writeSecrets({ secrets }: DemoWorld, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  for (const [name, text] of Object.entries(secrets)) await writeFile(join(dir, name), text)
}
