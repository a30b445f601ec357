/**
 * Order by key: of each line one runs at a time, also of those that woke; and they begin in the order of their records. What
 * is called runs outside of it.
 */
import type { Arena } from '../arena.ts'

/** Clocks of two processes on one machine differ by less. */
const clockToleranceMs = 50

interface Ran {
  readonly line: string
  readonly id: string
  readonly offset: number
  readonly step: string
  readonly isFirst: boolean
  readonly began: Date
  readonly done: Date
}

export async function outOfLine(arena: Arena): Promise<string[]> {
  const rows = await arena.query<Ran & { line: string }>(
    `select t.workflow || ' ' || t.kafka_partition || ' ' || t.key as line, t.id, t.kafka_offset::int as offset,
            a.step || '[' || a.item || ']' as step, a.dispatched_at as began, a.received_at as done,
            t.round = 1 and row_number() over (partition by t.id order by a.dispatched_at) = 1 as "isFirst"
     from millrace.attempts a join millrace.transactions t on t.id = a.transaction_id
     where t.key is not null and t.parent_id is null and a.kind in ('invoke', 'undo') and a.dispatched_at is not null
     order by a.dispatched_at`,
  )
  return [...besideEachOther(rows), ...begunInDisorder(rows)]
}

function besideEachOther(rows: readonly Ran[]): string[] {
  const last = new Map<string, Ran>()
  return rows.flatMap((row) => {
    const before = last.get(row.line)
    if (!before || before.id === row.id || row.done > before.done) last.set(row.line, row)
    if (!before || before.id === row.id) return []
    const ms = before.done.getTime() - row.began.getTime()
    return ms > clockToleranceMs
      ? [`${row.line}: ${row.id} ran ${row.step} ${ms} ms before ${before.step} of ${before.id} was over`]
      : []
  })
}

function begunInDisorder(rows: readonly Ran[]): string[] {
  const last = new Map<string, Ran>()
  return rows
    .filter(({ isFirst }) => isFirst)
    .flatMap((row) => {
      const before = last.get(row.line)
      if (!before || row.offset > before.offset) last.set(row.line, row)
      return before && before.offset > row.offset
        ? [`${row.line}: ${row.id} at offset ${row.offset} began after ${before.id} at ${before.offset}`]
        : []
    })
}
