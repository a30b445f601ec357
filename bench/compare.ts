/** Both sides by turns, and the medians of what each came to. */
import type { Ground } from './ground.ts'
import type { Drained, Paced } from './measure.ts'
import type { Case, Part } from './parts.ts'
import { type Load, type Round, runRound } from './round.ts'
import type { Side } from './side.ts'
import { engine } from './sides/engine.ts'
import { floor } from './sides/floor.ts'

export interface Compared {
  readonly part: string
  readonly case: string
  readonly load: Load
  readonly rounds: number
  /** The engine's drain rate by the floor's, of each pair of rounds, and the median of these. */
  readonly ratios: readonly number[]
  readonly ratio: number
  readonly floor: Round
  readonly engine: Round
}

export interface Comparing {
  readonly rounds: number
  readonly profileDir: string | null
  tell(line: string): void
}

export async function compare(ground: Ground, part: Part, each: Case, comparing: Comparing): Promise<Compared> {
  const { rounds } = comparing
  const floors: Round[] = []
  const engines: Round[] = []
  for (let round = 1; round <= rounds; round++) {
    floors.push(await turn(ground, floor, each.load, `${part.name}, ${each.label}, ${round} of ${rounds}`, comparing))
    engines.push(await turn(ground, engine, each.load, `${part.name}, ${each.label}, ${round} of ${rounds}`, comparing))
  }
  const ratios = engines.map(({ drained }, at) => drained.perSecond / (floors[at] as Round).drained.perSecond)
  return {
    part: part.name,
    case: each.label,
    load: each.load,
    rounds,
    ratios,
    ratio: median(ratios),
    floor: medianRound(floors),
    engine: medianRound(engines),
  }
}

/** A broker that has just started compiles its code while it is asked: nobody is measured by that. */
export async function warmUp(ground: Ground, load: Load, seconds: number, tell: (line: string) => void): Promise<void> {
  const paces = [{ perSecond: 1000, seconds }]
  tell('the servers warm up')
  await runRound(ground, floor, { ...load, preloaded: 20_000, paces }, { profileDir: null, tell: () => undefined })
}

function turn(ground: Ground, side: Side, load: Load, what: string, { profileDir, tell }: Comparing): Promise<Round> {
  return runRound(ground, side, load, { profileDir, tell: (line) => tell(`${what}: the ${side.name} ${line}`) })
}

function medianRound(rounds: readonly Round[]): Round {
  return {
    drained: medians<Drained>(rounds.map(({ drained }) => drained)),
    paced: (rounds[0] as Round).paced.map((_, at) => medians<Paced>(rounds.map(({ paced }) => paced[at] as Paced))),
  }
}

function medians<Figures extends object>(all: readonly Figures[]): Figures {
  const names = Object.keys(all[0] as Figures) as (keyof Figures)[]
  const medianOf = (name: keyof Figures) => {
    const numbers = all.map((each) => each[name] as number | null)
    return numbers.includes(null) ? null : median(numbers as number[])
  }
  return Object.fromEntries(names.map((name) => [name, medianOf(name)])) as Figures
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = sorted.length / 2
  return ((sorted[Math.floor(half)] as number) + (sorted[Math.ceil(half) - 1] as number)) / 2
}
