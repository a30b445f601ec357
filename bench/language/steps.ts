/** A chain of 200 steps beside one of 5: what a step costs, with as many transactions under way and as many steps in all. */
import { median } from '../compare.ts'
import type { Row } from '../growth/row.ts'
import type { Drained } from '../measure.ts'
import { load } from '../parts.ts'
import { cpuOf } from '../report.ts'
import { runRound } from '../round.ts'
import { engine } from '../sides/engine.ts'
import { held } from '../verdict.ts'

const dearerPercentMax = 20
const long = 200
const short = 5

export const steps: Row = {
  name: 'steps',
  about: 'A chain of 200 steps: CPU a step, against a chain of 5 with as many steps in all (--events of 5).',
  async run({ ground, rounds: asked, events, tell, profileDir }) {
    const rounds = asked ?? 3
    const shortEvents = events ?? 80_000
    const pairs: { long: Drained; short: Drained }[] = []
    const drained = async (count: number, stepsOf: number, round: number) => {
      const shape = { steps: stepsOf, waitMs: 0, coordinators: 1 }
      const told = (line: string) => tell(`steps, ${round} of ${rounds}: ${stepsOf}, ${line}`)
      return (await runRound(ground, engine, load(count, { shape }), { profileDir, tell: told })).drained
    }
    for (let round = 1; round <= rounds; round++) {
      pairs.push({
        short: await drained(shortEvents, short, round),
        long: await drained(Math.round((shortEvents * short) / long), long, round),
      })
    }
    const dearer = (of: (drained: Drained) => number) =>
      median(pairs.map((pair) => (of(pair.long) / long / (of(pair.short) / short) - 1) * 100))
    const microseconds = (of: (drained: Drained) => number) =>
      pairs
        .map(
          (pair) => `${((of(pair.long) / long) * 1000).toFixed(0)} / ${((of(pair.short) / short) * 1000).toFixed(0)}`,
        )
        .join(', ')
    const parts = {
      'all together': cpuOf,
      coordinator: (each: Drained) => each.coordinatorCpuPer1000,
      workers: (each: Drained) => each.workersCpuPer1000,
      Postgres: (each: Drained) => each.postgresCpuPer1000 ?? 0,
    }
    return {
      ...held('steps, % dearer', dearer(cpuOf), dearerPercentMax, (percent) => percent.toFixed(1)),
      more: [
        ...Object.entries(parts).map(
          ([name, of]) =>
            `${name}, CPU µs a step, ${long} / ${short}: ${microseconds(of)}; ${dearer(of).toFixed(1)} % more`,
        ),
        `steps a second: ${pairs.map((pair) => `${Math.round(pair.long.perSecond * long)} / ${Math.round(pair.short.perSecond * short)}`).join(', ')}`,
      ],
    }
  },
}
