/** Who watches. Invented people, known by a number alone, in real cities. */
import type { Plan } from '../../workflows/video/world.ts'
import { allCities, audience } from './audience.ts'
import { type City, findCity } from './geography.ts'
import { type Random, randomFrom } from './random.ts'
import { unlicensed } from './regions.ts'

export interface Viewer {
  readonly id: string
  readonly city: City
  readonly plan: Plan
  readonly card: string
}

/** The viewers of a run, by what becomes of their requests. */
export interface Viewers {
  readonly served: readonly Viewer[]
  /** With ads in their plan, where the ads provider is down. */
  readonly withoutAds: readonly Viewer[]
  /** Where no region may serve. */
  readonly unserved: readonly Viewer[]
}

/** About three requests come from each viewer, so that their order by viewer can be seen. */
export function makeViewers(requests: number, seed: string, adsDownIn: readonly string[]): Viewers {
  const random = randomFrom(`${seed}:viewers`)
  const next = numbered(random)
  const draw = audience(random)
  const served = Array.from({ length: Math.max(1, Math.ceil(requests / 3)) }, () => {
    const city = draw()
    return next(city, random.pick(adsDownIn.includes(city.country) ? withoutAdsPlans : plans))
  })
  const few = Math.max(1, Math.ceil(requests / 100))
  const withoutAds = Array.from({ length: few }, () => next(random.pick(citiesWithoutAds(adsDownIn)), 'basic'))
  const unserved = Array.from({ length: few }, () => next(random.pick(unservedCities()), random.pick(plans)))
  return { served, withoutAds, unserved }
}

const plans: readonly Plan[] = ['basic', 'basic', 'plus', 'plus', 'premium']
const withoutAdsPlans: readonly Plan[] = ['plus', 'plus', 'premium']

function numbered(random: Random): (city: City, plan: Plan) => Viewer {
  let no = 0
  return (city, plan) => {
    no += 1
    return { id: `viewer-${String(no).padStart(6, '0')}`, city, plan, card: `card_ok_${random.hex(8)}` }
  }
}

function citiesWithoutAds(adsDownIn: readonly string[]): City[] {
  return allCities().filter(({ country }) => adsDownIn.includes(country))
}

function unservedCities(): City[] {
  return Object.entries(unlicensed).map(([country, town]) => findCity(country, town))
}
