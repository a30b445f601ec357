/** Holds what clients of the door were told against the ledger, and against the provider's book. */

import { effectsOf, readBook } from '../../../demo/provider/book.ts'
import { until } from '../../../src/base/poll.ts'
import { heldSpans } from '../../support/accounted.ts'
import { ask } from '../../support/door.ts'
import type { Arena } from '../arena.ts'
import type { Verdict } from '../oracle.ts'
import type { DoorClient, Request } from './client.ts'
import { requestsOf } from './project.ts'

interface Row {
  readonly id: string
  readonly n: number
  readonly state: string
}

/** `port`: of a door that is open. */
export async function judgeDoor(arena: Arena, client: DoorClient, port: number): Promise<Verdict> {
  await client.finish()
  await read(arena)
  const rows = await arena.query<Row & Record<string, unknown>>(
    `select id, (event -> 'data' ->> 'n')::int as n, state from millrace.transactions where workflow = 'charge'`,
  )
  const byN = grouped(rows, ({ n }) => n)
  const wrongs: [kind: 'lost' | 'doubled', text: string][] = []
  for (const request of client.requests) {
    const wrong = wrongOf(request, byN.get(request.n) ?? [])
    if (wrong) wrongs.push(wrong)
  }
  const strays = await strayIds(client.requests, byN, port)
  const charges = grouped(effectsOf(await readBook(arena.bookFile)), (entry) => entry.reference ?? '')
  const chargedTwice = [...charges].filter(([reference, entries]) => reference !== '' && entries.length > 1).length
  const of = (kind: string) => wrongs.filter(([each]) => each === kind).length
  return {
    events: client.requests.length,
    ...{ lost: of('lost'), doubled: of('doubled'), disordered: 0, chargedTwice },
    problems: [...client.problems, ...wrongs.map(([, text]) => text), ...strays].slice(0, 20),
  }
}

function grouped<Item, Name>(items: readonly Item[], nameOf: (item: Item) => Name): Map<Name, Item[]> {
  const groups = new Map<Name, Item[]>()
  for (const item of items) groups.set(nameOf(item), [...(groups.get(nameOf(item)) ?? []), item])
  return groups
}

function wrongOf({ n, told, key }: Request, rows: readonly Row[]): ['lost' | 'doubled', string] | null {
  if (rows.length > 1) return ['doubled', `request ${n} (${key ?? 'no key'}) is ${rows.length} transactions`]
  if (told === 'refused' && rows.length > 0) return ['doubled', `request ${n} was refused, and is in the ledger`]
  if (told !== 'accepted') return null
  if (rows.length === 0) return ['lost', `request ${n} (${key ?? 'no key'}) was accepted, and is not in the ledger`]
  return rows[0]?.state === 'completed' ? null : ['lost', `request ${n} was accepted, and has ${rows[0]?.state}`]
}

/** An id that is not the transaction's own is that of a copy, whose status leads to it. */
async function strayIds(
  requests: readonly Request[],
  byN: ReadonlyMap<number, readonly Row[]>,
  port: number,
): Promise<string[]> {
  const problems: string[] = []
  for (const { n, ids, status } of requests) {
    const id = byN.get(n)?.[0]?.id
    if (id === undefined || status === null || (ids.size === 1 && ids.has(id))) continue
    const answer = await ask(port, status, { method: 'GET' })
    if (answer.json?.id !== id)
      problems.push(`request ${n} was told ${[...ids].join(', ')}, and is ${id}: ${answer.text}`)
  }
  return problems
}

/** All that the door has written is in the ledger, and has ended. */
async function read(arena: Arena): Promise<void> {
  const topic = requestsOf(arena.id)
  const spans = await heldSpans(arena.admin, topic)
  const done = async () => {
    const lanes = await arena.query<{ partition: number; next: number } & Record<string, unknown>>(
      'select kafka_partition as partition, next_offset::int as next from millrace.lanes where topic = $1',
      [topic],
    )
    const next = new Map(lanes.map((lane) => [lane.partition, lane.next]))
    if (!spans.every((span) => (next.get(span.partition) ?? 0) >= span.to)) return false
    const [row] = await arena.query<{ open: boolean }>(
      'select exists (select from millrace.transactions where ended_at is null) as open',
    )
    return row?.open === false
  }
  await until('all requests to be read and to end', () => done().catch(() => false), { forMs: 90_000, everyMs: 100 })
}
