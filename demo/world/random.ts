/** Chance that repeats itself: the same seed gives the same world, on every machine. */
import { createHash } from 'node:crypto'

export interface Random {
  /** At least 0, below 1. */
  fraction(): number
  /** An integer from 0, below `below`. */
  below(below: number): number
  pick<T>(list: readonly T[]): T
  shuffle<T>(list: readonly T[]): T[]
  /** `bytes` random bytes in hex. */
  hex(bytes: number): string
}

/** A generator of its own for each `seed`, so that drawing more from one leaves the others as they were. */
export function randomFrom(seed: string): Random {
  const fraction = sfc32(createHash('sha256').update(seed).digest())
  const below = (limit: number) => Math.floor(fraction() * limit)
  return {
    fraction,
    below,
    pick: (list) => list[below(list.length)]!,
    shuffle: (list) => shuffle(list, below),
    hex: (bytes) => Array.from({ length: bytes }, () => below(256).toString(16).padStart(2, '0')).join(''),
  }
}

/** A fraction that depends on the text alone: for a choice that must not depend on the order of asking. */
export function fractionOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32
}

/** Chris Doty-Humphrey's sfc32 (https://pracrand.sourceforge.net/RNG_engines.txt): small, fast, passes PractRand. */
function sfc32(seed: Buffer): () => number {
  let [a, b, c, counter] = [seed.readInt32LE(0), seed.readInt32LE(4), seed.readInt32LE(8), 1]
  return () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11) | 0) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
}

/** Fisher and Yates, from the end. */
function shuffle<T>(list: readonly T[], below: (limit: number) => number): T[] {
  const shuffled = [...list]
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = below(last + 1)
    ;[shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!]
  }
  return shuffled
}
