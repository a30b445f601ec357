/** A row of the table: one fault, how it is made, and what came of it. */
import type { Ground } from './ground.ts'
import type { Random } from './random.ts'

export interface Row {
  readonly name: string
  /** One sentence: what is done. */
  readonly about: string
  /** Rounds when nobody says how many. */
  readonly rounds: number
  /** It kills servers, so they must be ours. */
  readonly breaksServers?: boolean
  /** Only in the long form, or by its name. */
  readonly long?: boolean
  run(room: Room): Promise<Outcome>
}

export interface Room {
  readonly ground: Ground
  readonly rounds: number
  /** At least so many are published a round. */
  readonly events: number
  /** Crash points to be tried; null: all. */
  readonly points?: readonly string[] | null
  readonly random: Random
  /** How far it is. */
  tell(text: string): void
}

export interface Outcome {
  readonly rounds: number
  readonly events: number
  readonly lost: number
  readonly doubled: number
  readonly disordered: number
  readonly chargedTwice: number
  /** Seconds, one for each fault after which work stood still. */
  readonly recoveries: readonly number[]
  /** What was wrong, the first first. Empty: it holds. */
  readonly problems: readonly string[]
  /** Where logs and data of a failure lie. */
  readonly kept: readonly string[]
  /** Why it could not be run here at all. */
  readonly notRun?: string
}

export function notRun(why: string): Outcome {
  return { ...joined([]), notRun: why }
}

export function joined(outcomes: readonly Outcome[]): Outcome {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  return {
    rounds: sum((each) => each.rounds),
    events: sum((each) => each.events),
    lost: sum((each) => each.lost),
    doubled: sum((each) => each.doubled),
    disordered: sum((each) => each.disordered),
    chargedTwice: sum((each) => each.chargedTwice),
    recoveries: outcomes.flatMap((each) => each.recoveries),
    problems: outcomes.flatMap((each) => each.problems),
    kept: outcomes.flatMap((each) => each.kept),
  }
}
