/** What is wrong with a request on purpose, and how it should end. */
import { randomFrom } from './random.ts'

export type Fate = 'good' | Wrong

export type Wrong =
  | 'token_expired'
  | 'token_forged'
  | 'card_declined'
  | 'difference_declined'
  | 'not_json'
  | 'broken_utf8'
  | 'unknown_site'
  | 'ads_down'
  | 'no_region'

export interface Ending {
  readonly end: 'completed' | 'compensated' | 'failed' | 'dead_letter'
  /** The transaction's `error_code` when it should not complete, or the dead letter's `code`. */
  readonly code?: string
}

export const endings: Readonly<Record<Fate, Ending & { readonly title: string }>> = {
  good: { title: 'as it should be', end: 'completed' },
  token_expired: { title: 'token expired', end: 'dead_letter', code: 'unauthenticated' },
  token_forged: { title: 'token with a bad signature', end: 'dead_letter', code: 'unauthenticated' },
  card_declined: { title: 'card declined', end: 'compensated', code: 'card_declined' },
  difference_declined: { title: 'watched again, and card declined', end: 'compensated', code: 'card_declined' },
  not_json: { title: 'not JSON', end: 'dead_letter', code: 'value_not_json' },
  broken_utf8: { title: 'broken UTF-8', end: 'dead_letter', code: 'value_not_utf8' },
  unknown_site: { title: 'unknown site', end: 'failed', code: 'unknown_site' },
  ads_down: { title: 'ads provider down', end: 'completed' },
  no_region: { title: 'no region may serve the country', end: 'failed', code: 'not_available_in_country' },
}

/** Of every kind of wrong, the share of the requests; from 30 requests on, at least one of each. */
const shareOfEach = 0.02

/** One fate for each request, in a mixed order. */
export function makeFates(requests: number, seed: string): Fate[] {
  const atLeast = requests >= 30 ? 1 : 0
  const ofEach = Math.max(atLeast, Math.round(requests * shareOfEach))
  const wrongs = (Object.keys(endings) as Fate[]).filter((fate) => fate !== 'good')
  const wrong = wrongs.flatMap((fate) => Array<Fate>(ofEach).fill(fate))
  const good = Array<Fate>(requests - wrong.length).fill('good')
  return randomFrom(`${seed}:fates`).shuffle([...good, ...wrong])
}
