/** The first promise: of each workflow, every offset that Kafka holds is in the ledger exactly once, as whatever it is. */
import type { Span } from '../support/accounted.ts'
import type { Arena } from './arena.ts'
import { workflows as ofCharges } from './project.ts'

export interface Place {
  readonly partition: number
  readonly offset: number
}

interface Row {
  /** Null: it counts for each of them. */
  readonly workflow: string | null
  readonly partition: number
  readonly from: number
  /** Inclusive. */
  readonly to: number
  readonly what: string
}

export async function accounts(
  arena: Arena,
  incarnation: string,
  transactions: readonly (Place & { workflow: string })[],
  spans: readonly Span[],
  workflows: readonly string[] = ofCharges,
): Promise<{ missing: string[]; tooMany: string[] }> {
  const found = new Map<string, string[]>()
  for (const each of transactions) add(found, each.workflow, each, 'transaction')
  for (const row of await restOf(arena, incarnation)) {
    for (const workflow of row.workflow === null ? workflows : [row.workflow]) {
      const { partition } = row
      for (let offset = row.from; offset <= row.to; offset++) add(found, workflow, { partition, offset }, row.what)
    }
  }
  const expected = new Set(spans.flatMap((span) => workflows.flatMap((workflow) => placesOf(workflow, span))))
  const several = [...found].filter(([, what]) => what.length > 1)
  const strange = [...found].filter(([place]) => !expected.has(place))
  return {
    missing: [...expected].filter((place) => !found.has(place)).map((place) => `${place}: nothing`),
    tooMany: [
      ...several.map(([place, what]) => `${place}: ${what.join(', ')}`),
      ...strange.map(([place, what]) => `${place}: ${what.join(', ')}, and Kafka holds nothing there`),
    ],
  }
}

export function placeOf(workflow: string, { partition, offset }: Place): string {
  return `${workflow} ${partition}/${offset}`
}

function placesOf(workflow: string, { partition, from, to }: Span): string[] {
  return Array.from({ length: to - from }, (_, at) => placeOf(workflow, { partition, offset: from + at }))
}

function add(found: Map<string, string[]>, workflow: string, at: Place, what: string): void {
  const place = placeOf(workflow, at)
  const there = found.get(place)
  if (there) there.push(what)
  else found.set(place, [what])
}

/** What became no transaction. */
function restOf(arena: Arena, incarnation: string): Promise<Row[]> {
  return arena.query<Row & { what: string }>(
    `select workflow, kafka_partition as partition, kafka_offset::int as from, kafka_offset::int as to, code as what
     from millrace.dead_letters where topic = $1 and engine = $1 and incarnation = $2 and transaction_id is null
     union all
     select workflow, kafka_partition, kafka_offset::int, kafka_offset::int, 'duplicate'
     from millrace.duplicates where topic = $1 and engine = $1 and incarnation = $2
     union all
     select workflow, kafka_partition, from_offset::int, to_offset::int, reason
     from millrace.passed_offsets where topic = $1 and engine = $1 and incarnation = $2`,
    [arena.id, incarnation],
  )
}
