/** Holds what became of each request against what should have become of it. */
import { formatMoney } from './money.ts'
import { endings, type Fate } from './world/fates.ts'
import type { DemoRequest, Expectation } from './world/requests.ts'

/** What the ledger has for one event: a transaction, or a dead letter. */
export interface Seen {
  /** A transaction's `event_id`; a dead letter's `ce_id` header. */
  readonly eventId: string
  /** The transaction's state, or `dead_letter`. */
  readonly end: string
  readonly code: string | null
  /** What the viewer's card was charged, in minor units, when anything. */
  readonly charged?: { readonly currency: string; readonly amount: number } | undefined
}

/** The requests of one fate. */
export interface FateRow {
  readonly fate: Fate
  readonly title: string
  /** `failed token_expired` */
  readonly expected: string
  readonly published: number
  readonly asExpected: number
  /** What came instead, and how often. */
  readonly otherwise: Readonly<Record<string, number>>
}

export interface Endings {
  readonly rows: readonly FateRow[]
  /** Every request came to the end meant for it. */
  readonly asExpected: boolean
  /** Every published event is in the ledger once, and nothing else is. */
  readonly eachOnce: boolean
}

export function compareEndings(requests: readonly DemoRequest[], seen: readonly Seen[]): Endings {
  const byEvent = grouped(seen, ({ eventId }) => eventId)
  const byFate = grouped(requests, ({ fate }) => fate)
  const rows = [...byFate].map(([fate, those]) => fateRow(fate, those, byEvent))
  const order = Object.keys(endings)
  rows.sort((a, b) => order.indexOf(a.fate) - order.indexOf(b.fate))
  const published = new Set(requests.map(({ id }) => id))
  const once = [...published].every((id) => byEvent.get(id)?.length === 1)
  const asExpected = rows.every((row) => row.asExpected === row.published)
  return { rows, asExpected, eachOnce: once && seen.length === published.size }
}

function fateRow(fate: Fate, requests: readonly DemoRequest[], byEvent: ReadonlyMap<string, Seen[]>): FateRow {
  const { title, end, code } = endings[fate]
  const otherwise: Record<string, number> = {}
  for (const { id, expect } of requests) {
    const fault = faultOf(expect, byEvent.get(id) ?? [])
    if (fault !== null) otherwise[fault] = (otherwise[fault] ?? 0) + 1
  }
  const wrong = Object.values(otherwise).reduce((sum, count) => sum + count, 0)
  const published = requests.length
  return { fate, title, expected: sayEnd(end, code), published, asExpected: published - wrong, otherwise }
}

/** Null when all is as expected. */
function faultOf(expect: Expectation, seen: readonly Seen[]): string | null {
  const [one] = seen
  if (one === undefined) return 'not in the ledger'
  if (seen.length > 1) return `in the ledger ${seen.length} times`
  const alike = one.end === expect.end && (expect.code === undefined || expect.code === one.code)
  if (!alike) return sayEnd(one.end, one.code)
  return sayCharge(expect.charged) === sayCharge(one.charged) ? null : `charged ${sayCharge(one.charged)}`
}

function sayEnd(end: string, code: string | null | undefined): string {
  const words = end.replaceAll('_', ' ')
  return code ? `${words} ${code}` : words
}

function sayCharge(charged: Expectation['charged']): string {
  return charged === undefined ? 'nothing' : formatMoney(charged.amount, charged.currency)
}

function grouped<T, Key>(list: readonly T[], keyOf: (item: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>()
  for (const item of list) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
