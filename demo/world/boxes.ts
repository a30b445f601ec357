/** Set-top boxes with a password, and players paired by a code: machines, so both are long and of chance. Only hashes are stored. */
import { createHash } from 'node:crypto'
import type { World } from '../../workflows/video/world.ts'
import { randomFrom } from './random.ts'
import type { Viewers } from './viewers.ts'

export interface Boxes {
  /** What the engine knows the boxes by, a line each: viewer, hash, plan. */
  readonly hashes: string
  /** What the function that authenticates players knows. */
  readonly pairings: World['pairings']
  /** By viewer id. */
  readonly passwords: ReadonlyMap<string, string>
  readonly codes: ReadonlyMap<string, string>
}

export function makeBoxes({ served, withoutAds, unserved }: Viewers, seed: string): Boxes {
  const random = randomFrom(`${seed}:boxes`)
  const viewers = [...served, ...withoutAds, ...unserved]
  const passwords = new Map(viewers.map(({ id }) => [id, random.hex(24)]))
  const codes = new Map(viewers.map(({ id }) => [id, random.hex(16)]))
  const lines = viewers.map(({ id, plan }) => `${id} sha256:${sha256(passwords.get(id)!)} ${plan}\n`)
  const pairings = viewers.map(({ id, plan }) => [sha256(codes.get(id)!), { viewer: id, plan }] as const)
  return { hashes: `# name, hash, plan\n${lines.join('')}`, pairings: Object.fromEntries(pairings), passwords, codes }
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
