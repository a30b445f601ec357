/**
 * What a seed decides before its run begins: how many coordinators, which workflows, which faults and how often. Each seed
 * leaves some kinds of fault out, so that the others are met in calm, too.
 */
import type { CoordinatorLimits } from '../../src/coordinator/limits.ts'
import type { Plan } from '../../src/workflow/plan.ts'
import { topicsReadBy } from '../../src/workflow/uses.ts'
import { type WorldFault, worldFaults } from './coverage.ts'
import { type LinkFault, linkFaults } from './ledger/link.ts'
import type { Weather } from './member.ts'
import type { Random } from './random.ts'
import { newsTopic } from './trees.ts'
import { type Fate, fates } from './workers.ts'
import { calledBy, planOf, shapes } from './workflows.ts'

export interface Setting {
  readonly members: number
  readonly topics: readonly { readonly name: string; readonly partitions: number }[]
  readonly plans: readonly Plan[]
  readonly keys: number
  readonly records: number
  readonly chaosUs: number
  /** Mean time between two faults of the world. */
  readonly faultEveryUs: number
  readonly faults: Readonly<Partial<Record<WorldFault, number>>>
  readonly weather: Weather
  readonly limits: Partial<CoordinatorLimits>
  readonly holes: number
}

export function settingOf(random: Random): Setting {
  const started = Array.from({ length: random.pick([1, 1, 2]) }, (_, at) => ({
    name: `t${at}`,
    partitions: random.between(1, 3),
  }))
  const plans = plansOf(
    random,
    started.map(({ name }) => name),
  )
  const isWaited = plans.some((plan) => topicsReadBy(plan).includes(newsTopic))
  const topics = isWaited ? [...started, { name: newsTopic, partitions: random.between(1, 2) }] : started
  return {
    members: random.pick([1, 2, 2, 3, 4]),
    topics,
    plans,
    keys: random.between(1, 6),
    records: random.pick([10, 30, 60, 100, 200]),
    chaosUs: random.between(5_000_000, 20_000_000),
    faultEveryUs: random.pick([400_000, 1_000_000, 3_000_000]),
    faults: someOf(
      random,
      worldFaults.filter((fault) => fault !== 'redelivery' && fault !== 'out of the group'),
      () => random.pick([1, 1, 3]),
    ),
    weather: weatherOf(random),
    limits: limitsOf(random),
    holes: random.pick([0, 0.1, 0.4]),
  }
}

/** Up to three workflows, one name once, and those that they call. */
function plansOf(random: Random, topics: readonly string[]): Plan[] {
  const numbers = new Set(Array.from({ length: random.between(1, 3) }, () => random.between(0, shapes - 1)))
  const plans = [...numbers].map((shape, at) => planOf(shape, topics[at % topics.length] as string))
  return [...new Set([...plans, ...plans.flatMap(calledBy)])]
}

function weatherOf(random: Random): Weather {
  const isRough = random.chance(0.7)
  const rates = Object.fromEntries(
    linkFaults.map((fault) => [fault, isRough && random.chance(0.5) ? random.pick([0.01, 0.03, 0.1]) : 0]),
  )
  const bad = someOf(
    random,
    fates.filter((fate) => fate !== 'ok'),
    () => random.pick([1, 2, 5]),
  )
  return {
    rates: rates as Record<LinkFault, number>,
    wayUs: random.pick([300, 1000, 20_000]),
    batchMax: random.pick([1, 5, 50]),
    redelivery: random.pick([0, 0, 0.2]),
    lostSends: random.pick([0, 0, 0.1, 0.3]),
    reasons: random.chance(0.8),
    fates: { ok: random.pick([10, 40]), ...bad },
    places: random.pick([1, 4, 32]),
    runUs: random.pick([1000, 20_000, 300_000]),
  }
}

/** No more faults: what is left must end. */
export function calm(weather: Weather): Weather {
  const rates = Object.fromEntries(linkFaults.map((fault) => [fault, 0])) as Record<LinkFault, number>
  const fates: Partial<Record<Fate, number>> = { ok: 9, 'asks again': 1, 'gives up': 1 }
  return { ...weather, rates, redelivery: 0, lostSends: 0, fates, places: 32, runUs: Math.min(weather.runUs, 20_000) }
}

function limitsOf(random: Random): Partial<CoordinatorLimits> {
  return {
    residentMax: random.pick([0, 2, 2000]),
    loadMax: random.pick([1, 3, 500]),
    runningMax: random.pick([2, 8, 2000]),
    queuedMax: random.pick([3, 1_000_000]),
    recordsPerCommitMax: random.pick([2, 500]),
    eventsPerCommitMax: random.pick([3, 5000]),
    waitingRecordsMax: random.pick([4, 2000]),
    preparingMax: random.pick([1, 3, 200]),
    preparingMsMax: random.pick([300, 3000]),
    tidyEveryMs: random.pick([1000, 60_000]),
    strandedEveryMs: random.pick([3000, 30_000]),
  }
}

function someOf<Name extends string>(
  random: Random,
  names: readonly Name[],
  weight: () => number,
): Partial<Record<Name, number>> {
  const share = random.pick([0.2, 0.5, 1])
  const some = names.filter(() => random.chance(share))
  return Object.fromEntries(some.map((name) => [name, weight()])) as Partial<Record<Name, number>>
}
