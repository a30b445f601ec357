/** What can be watched and who holds the rights: titles and companies are invented. */
import type { Film } from '../../workflows/video/world.ts'

export function makeFilms(): Film[] {
  return titles.map(([title, genre], at) => {
    const holder = rightsHolders[at % rightsHolders.length]!
    const id = `film-${String(at + 1).padStart(3, '0')}`
    return { id, title, genre, seconds: secondsOf(at), rightsHolder: holder }
  })
}

/** From 74 minutes to 144, no two alike, none a round number. */
function secondsOf(at: number): number {
  return 60 * (74 + ((at * 17) % 71)) + ((at * 7) % 59) + 1
}

const rightsHolders = [
  { id: 'harbour-light', name: 'Harbour Light Pictures', account: 'acct_harbour_light', shareBp: 5500 },
  { id: 'seven-herons', name: 'Seven Herons Film', account: 'acct_seven_herons', shareBp: 5250 },
  { id: 'tin-lantern', name: 'Tin Lantern Studio', account: 'acct_tin_lantern', shareBp: 6000 },
  { id: 'low-tide', name: 'Low Tide Cinema', account: 'acct_low_tide', shareBp: 5733 },
  { id: 'orchard-road', name: 'Orchard Road Productions', account: 'acct_orchard_road', shareBp: 5000 },
] as const

const titles: readonly (readonly [string, string])[] = [
  ['The Salt Road', 'drama'],
  ['Nine Umbrellas', 'comedy'],
  ['A Clock for the Sea', 'drama'],
  ['Under the Glass Hills', 'fantasy'],
  ['The Last Cable Car', 'thriller'],
  ['Paper Meridian', 'documentary'],
  ['Tomorrow, Weather Permitting', 'comedy'],
  ['The Lighthouse Auditor', 'thriller'],
  ['Songs of the Night Bakery', 'music'],
  ['Copper Sky', 'science fiction'],
  ['Two Left Oars', 'comedy'],
  ['The Archivist of Rain', 'drama'],
  ['Beyond the Ninth Lock', 'adventure'],
  ['Quiet Engines', 'science fiction'],
  ['The Beekeeper’s Atlas', 'documentary'],
  ['Winter Ferry', 'thriller'],
  ['A Minor Planet', 'science fiction'],
  ['The Unposted Letters', 'drama'],
  ['Marzipan Detectives', 'family'],
  ['River Without a Map', 'adventure'],
]
