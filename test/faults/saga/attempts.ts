/** Each step of each item is done once, forward and back, in each round; its attempts are numbered without a gap. */
import type { Arena } from '../arena.ts'

export async function stepsDoubled(arena: Arena): Promise<string[]> {
  const rows = await arena.query<{ line: string }>(
    `with rounds as (
       select transaction_id, step, item, direction, round, count(*) filter (where outcome = 'ok') as oks
       from millrace.attempts group by 1, 2, 3, 4, 5 having count(*) filter (where outcome = 'ok') > 1
     ), gaps as (
       select transaction_id, step, item, direction, array_agg(attempt order by attempt) as numbers
       from millrace.attempts group by 1, 2, 3, 4 having min(attempt) <> 1 or max(attempt) <> count(*)
     )
     select format('%s %s[%s] %s: %s ok in round %s', transaction_id, step, item, direction, oks, round) as line from rounds
     union all
     select format('%s %s[%s] %s: attempts %s', transaction_id, step, item, direction, numbers) from gaps`,
  )
  return rows.map((row) => row.line)
}
