/**
 * Where films are streamed from: cities in which the large clouds have regions, at their real coordinates. Which
 * countries a region may serve is invented, in the shape that licences have: continents, some countries more, some not.
 */
import type { TContinentCode } from 'countries-list'
import type { Region } from '../../workflows/video/world.ts'
import { countriesOf, findCity } from './geography.ts'

export function makeRegions(): Region[] {
  return licences.map(({ id, city: [country, name, division], licence }) => {
    const { lat, lng } = findCity(country, name, division)
    return { id, city: name, lat, lng, operator: operatorOf(id), host: `${id}.stream.example`, serves: served(licence) }
  })
}

interface Licence {
  readonly continents?: readonly TContinentCode[]
  readonly countries?: readonly string[]
  readonly not?: readonly string[]
}

/** Countries that nobody has bought the rights for, with their towns: a viewer there is turned away. */
export const unlicensed: Readonly<Record<string, string>> = {
  FK: 'Stanley',
  PN: 'Adamstown',
  SH: 'Jamestown',
  SJ: 'Longyearbyen',
}

/** Countries whose rights stay at home: no region outside may serve them. */
const ownRegionOnly = ['IN', 'BR', 'CA', 'JP']

const nordic = ['SE', 'NO', 'DK', 'FI', 'IS', 'EE', 'LV', 'LT', 'FO', 'AX']
const western = ['GB', 'IE', 'FR', 'ES', 'PT', 'NL', 'BE', 'LU', 'IS', 'MA', 'DZ', 'TN']
const gulf = ['AE', 'SA', 'KW', 'BH', 'OM', 'QA', 'JO', 'IQ', 'IL', 'EG', 'TR', 'LB']
const southEast = ['SG', 'MY', 'ID', 'TH', 'VN', 'PH', 'KH', 'LA', 'MM', 'BN', 'TL']

const licences: readonly { id: string; city: readonly [string, string, string?]; licence: Licence }[] = [
  { id: 'us-east', city: ['US', 'Ashburn', 'VA'], licence: { continents: ['NA'] } },
  { id: 'us-west', city: ['US', 'San Jose'], licence: { countries: ['US', 'MX', 'GT', 'CR', 'PA'] } },
  { id: 'ca-central', city: ['CA', 'Montréal'], licence: { countries: ['CA'] } },
  { id: 'sa-east', city: ['BR', 'São Paulo'], licence: { continents: ['SA'], countries: ['BR'] } },
  { id: 'eu-west', city: ['IE', 'Dublin'], licence: { countries: western } },
  {
    id: 'eu-central',
    city: ['DE', 'Frankfurt am Main'],
    licence: { continents: ['EU'], countries: ['TR', 'IL', 'TN'] },
  },
  { id: 'eu-north', city: ['SE', 'Stockholm'], licence: { countries: nordic } },
  { id: 'af-south', city: ['ZA', 'Johannesburg'], licence: { continents: ['AF'], not: ['EG'] } },
  { id: 'me-central', city: ['AE', 'Dubai'], licence: { countries: gulf } },
  { id: 'ap-south', city: ['IN', 'Mumbai'], licence: { countries: ['IN', 'PK', 'BD', 'LK', 'NP', 'BT', 'MV'] } },
  { id: 'ap-southeast', city: ['SG', 'Singapore'], licence: { continents: ['AS'], countries: southEast, not: gulf } },
  { id: 'ap-northeast', city: ['JP', 'Tokyo'], licence: { countries: ['JP', 'KR', 'TW', 'HK', 'MO'] } },
  { id: 'ap-sydney', city: ['AU', 'Sydney'], licence: { continents: ['OC'] } },
]

function served({ continents = [], countries = [], not = [] }: Licence): string[] {
  const everywhere = continents.flatMap(countriesOf).filter((country) => !ownRegionOnly.includes(country))
  const refused: readonly string[] = [...not, ...Object.keys(unlicensed)]
  return [...new Set([...everywhere, ...countries])].filter((country) => !refused.includes(country)).sort()
}

function operatorOf(id: string): { id: string; account: string } {
  const area = id.slice(0, 2)
  return { id: `carrier-${area}`, account: `acct_carrier_${area}` }
}
