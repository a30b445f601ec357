/** A row of the growth: the same drain with much of something and with little of it. */
import { median } from '../compare.ts'
import type { Ground } from '../ground.ts'
import type { Drained } from '../measure.ts'
import { cpuOf } from '../report.ts'
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
  readonly profileDir: string | null
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
  const pairs: { much: Drained; little: Drained }[] = []
  for (let round = 1; round <= rounds; round++) {
    const drained = async ({ load, extras }: Half, what: string) => {
      const told = (line: string) => tell(`${row}, ${round} of ${rounds}: with ${what}, ${line}`)
      return (await runRound(ground, engine, load, { profileDir: null, ...extras, tell: told })).drained
    }
    pairs.push({ little: await drained(little, 'little'), much: await drained(much, 'much') })
  }
  const slowerBy = pairs.map((pair) => (1 - pair.much.perSecond / pair.little.perSecond) * 100)
  const dearerBy = pairs.map((pair) => (cpuOf(pair.much) / cpuOf(pair.little) - 1) * 100)
  const both = (of: (drained: Drained) => string) =>
    pairs.map((pair) => `${of(pair.much)} / ${of(pair.little)}`).join(', ')
  return {
    ...held(row, median(slowerBy), limitPercent, (percent) => `${percent.toFixed(1)} % slower`),
    more: [
      `much / little, a second: ${both(({ perSecond }) => String(Math.round(perSecond)))}`,
      `CPU s per 1,000, which a busy machine moves less: ${both((drained) => cpuOf(drained).toFixed(3))}; ${median(dearerBy).toFixed(1)} % more`,
      `of that Postgres: ${both(({ postgresCpuPer1000 }) => (postgresCpuPer1000 ?? 0).toFixed(3))}`,
    ],
  }
}
