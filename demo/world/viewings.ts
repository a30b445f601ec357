/** What viewers do once they have their film, and what they owe for it at the end. */
import type { Film } from '../../workflows/video/world.ts'
import type { Random } from './random.ts'

export interface Viewing {
  /** Whole seconds; null: the player is never closed, and nobody hears of it. */
  readonly watchedSeconds: number | null
}

/** Of ten viewers four see it to the end, three leave early, two watch it again, and one never leaves. */
export function makeViewing({ seconds }: Film, random: Random): Viewing {
  const lot = random.below(10)
  const part = random.fraction()
  if (lot < 4) return { watchedSeconds: seconds }
  if (lot < 7) return { watchedSeconds: Math.floor(seconds * part) }
  if (lot < 9) return { watchedSeconds: Math.floor(seconds * (1 + part)) }
  return { watchedSeconds: null }
}

/** By the second, to the nearest minor unit; without a word about it, the whole film. */
export function dueFor(price: number, { watchedSeconds }: Viewing, { seconds }: Film): number {
  return Math.round((price * (watchedSeconds ?? seconds)) / seconds)
}
