/**
 * The ratio that npm test holds the engine to: drains of a few thousand events, floor and engine by turns, so that a busy
 * machine slows both. `npm run bench -- --commit` measures it anew and writes it down.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../src/base/package-root.ts'
import { type Compared, compare } from './compare.ts'
import type { Ground } from './ground.ts'
import { load, type Part } from './parts.ts'
import { circumstances } from './report.ts'

export interface Committed extends ReturnType<typeof circumstances> {
  /** The engine's drain rate by the floor's. */
  readonly ratio: number
  readonly events: number
  readonly rounds: number
}

const file = join(packageRoot(), 'bench/committed.json')
const events = 6000

const part: Part = {
  name: 'smoke',
  about: 'A few thousand events, drained.',
  cases: () => [{ label: `${events} events`, load: load(events) }],
}

export function measureSmoke(ground: Ground, rounds: number, tell: (line: string) => void): Promise<Compared> {
  const [only] = part.cases(events, true)
  return compare(ground, part, only as NonNullable<typeof only>, { rounds, profileDir: null, tell })
}

export function committed(): Committed {
  return JSON.parse(readFileSync(file, 'utf8'))
}

export function commit({ ratio, rounds }: Compared): void {
  const text = JSON.stringify({ ratio: Number(ratio.toFixed(3)), events, rounds, ...circumstances() }, null, 2)
  writeFileSync(file, `${text}\n`)
}
