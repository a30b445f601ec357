/**
 * Events that are waited for: each that Kafka holds is kept once, or has its reason; each wait has one event of its own, that
 * nobody else has where the first alone may have it. Who waited in vain has its end tell of it.
 */
import { heldSpans } from '../../support/accounted.ts'
import type { Arena } from '../arena.ts'

export async function signalsWrong(arena: Arena): Promise<{ lost: string[]; doubled: string[] }> {
  return { lost: await unaccounted(arena), doubled: await takenWrongly(arena) }
}

async function unaccounted(arena: Arena): Promise<string[]> {
  const topics = await arena.query<{ topic: string }>('select distinct topic from millrace.lanes where topic <> $1', [
    arena.id,
  ])
  const lines: string[] = []
  for (const { topic } of topics) {
    for (const { partition, from, to } of await heldSpans(arena.admin, topic)) {
      const rows = await arena.query<{ line: string }>(
        `with found as (
           select kafka_offset from millrace.signals where topic = $1 and kafka_partition = $2
           union all select kafka_offset from millrace.dead_letters where topic = $1 and kafka_partition = $2
           union all
           select o from millrace.passed_offsets, generate_series(from_offset, to_offset) o
           where topic = $1 and kafka_partition = $2)
         select format('%s/%s/%s is there %s times', $1::text, $2::int, o, count(f.kafka_offset)) as line
         from generate_series($3::bigint, $4::bigint - 1) o left join found f on f.kafka_offset = o
         group by o having count(f.kafka_offset) <> 1`,
        [topic, partition, from, to],
      )
      lines.push(...rows.map((row) => row.line))
    }
  }
  return lines
}

async function takenWrongly(arena: Arena): Promise<string[]> {
  const rows = await arena.query<{ line: string }>(
    `select format('event %s is for one, and %s have it', id, cardinality(taken_by)) as line
     from millrace.signals where take = 'first' and cardinality(taken_by) > 1
     union all
     select format('%s has waited well %s times, and has %s events', transaction_id, waits, events)
     from (
       select a.transaction_id, count(*) filter (where a.output is not null and a.output <> 'null') as waits,
              (select count(*) from millrace_data.taken t
               where t.transaction_id = a.transaction_id and t.commit_id is not null) as events
       from millrace.attempts a where a.kind = 'wait' and a.outcome = 'ok' group by 1
     ) had where waits <> events`,
  )
  return rows.map((row) => row.line)
}
