/** The colour of a state or outcome: what went well, what did not, what was taken back, what is still under way. */
import type { Colour } from './paint.ts'

export function colourOf(state: string): Colour {
  return colours[state] ?? 'yellow'
}

const colours: Readonly<Record<string, Colour>> = {
  completed: 'green',
  ok: 'green',
  failed: 'red',
  fail: 'red',
  compensated: 'cyan',
  cancelled: 'cyan',
  skipped: 'dim',
  pending: 'dim',
}
