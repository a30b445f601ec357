/** A row of the growth: the same drain with much of something and with little of it. */
import { median } from '../compare.ts'
import type { Ground } from '../ground.ts'
import { type Extras, type Load, runRound } from '../round.ts'
import { engine } from '../sides/engine.ts'
import { held, type Verdict } from '../verdict.ts'

export interface Row {
  readonly name: string
  /** One sentence: what grows. */
  readonly about: string
  run(room: Room): Promise<Verdict>
}

export interface Room {
  readonly ground: Ground
  /** Null: each row's own. */
  readonly rounds: number | null
  readonly events: number | null
  /** Transactions in the ledger that is full. */
  readonly rows: number
  /** Of the soak. */
  readonly minutes: number
  tell(line: string): void
}

export interface Half {
  readonly load: Load
  readonly extras?: Extras
}

/** Enough for a median that is steadier than the limit. */
const roundsDefault = 5

/** By turns; how much slower, in percent, the one with much is than the one with little. */
export async function slower(
  { ground, tell, ...room }: Room,
  row: string,
  limitPercent: number,
  much: Half,
  little: Half,
  roundsMax = roundsDefault,
): Promise<Verdict> {
  const rounds = room.rounds ?? roundsMax
  const pairs: { much: number; little: number }[] = []
  for (let round = 1; round <= rounds; round++) {
    const rateOf = async ({ load, extras }: Half, what: string) => {
      const options = {
        profileDir: null,
        ...extras,
        tell: (line: string) => tell(`${row}, ${round} of ${rounds}: with ${what}, ${line}`),
      }
      return (await runRound(ground, engine, load, options)).drained.perSecond
    }
    pairs.push({ little: await rateOf(little, 'little'), much: await rateOf(much, 'much') })
  }
  const lost = pairs.map((pair) => (1 - pair.much / pair.little) * 100)
  const all = pairs.map((pair) => `${Math.round(pair.much)} / ${Math.round(pair.little)}`)
  const shown = (percent: number) => `${percent.toFixed(1)} % slower (${all.join(', ')} a second)`
  return held(row, median(lost), limitPercent, shown)
}
