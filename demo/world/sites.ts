/** The partners' pages that viewers come from, each with an API key. Only hashes of the keys leave the demo. */
import { createHash } from 'node:crypto'
import type { Site } from '../../workflows/video/world.ts'
import { randomFrom } from './random.ts'

export interface Sites {
  /** What the functions may know. */
  readonly stored: Site[]
  /** What the engine knows the keys by, a line each. They are 256 bits of chance, so a slow hash would add nothing. */
  readonly hashes: string
  /** By site id: what its requests carry. */
  readonly keys: Readonly<Record<string, string>>
}

export function makeSites(seed: string): Sites {
  const random = randomFrom(`${seed}:sites`)
  const keys: Record<string, string> = {}
  const stored = names.map((name) => {
    const id = name.toLowerCase().replaceAll(' ', '-')
    const key = `mk_${random.hex(32)}`
    keys[id] = key
    return { id, name }
  })
  const hashes = Object.entries(keys).map(([id, key]) => `${id} sha256:${hashKey(key)}\n`)
  return { stored, keys, hashes: hashes.join('') }
}

function hashKey(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex')
}

/** Invented. */
const names = ['Evening Reel', 'Kino Corner', 'The Popcorn Post', 'Sofa Cinema', 'Matinee Map', 'Filmtagebuch']
