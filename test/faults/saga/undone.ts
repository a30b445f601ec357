/** What was undone was undone whole, one after the other, the last first; and nothing of what completed was. */
import type { Arena } from '../arena.ts'

export async function notUndone(arena: Arena): Promise<string[]> {
  const rows = await arena.query<{ line: string }>(
    `select format('%s is %s, and %s[%s] is %s', t.id, t.state, s.step, s.item, s.state) as line
     from millrace.transactions t
     join millrace.versions v on v.workflow = t.workflow and v.version = t.version
     join millrace.steps s on s.transaction_id = t.id
     where (t.state = 'completed' and s.state = 'compensated')
        or (t.state in ('compensated', 'cancelled', 'failed') and s.state = 'ok'
            and (s.kind = 'call' or v.kinds[s.position + 1] = 'undo'))
     union all
     select format('%s owes %s[%s]: %s', transaction_id, step, item, error_message) from millrace.owed`,
  )
  return rows.map((row) => row.line)
}

/** Steps of one commit are settled in an order that the views do not tell: of those either may be first. */
export async function undoneInDisorder(arena: Arena): Promise<string[]> {
  const rows = await arena.query<{ line: string }>(
    `with back as (
       select transaction_id, step, item, round, min(dispatched_at) as began,
              max(received_at) filter (where outcome = 'ok') as done
       from millrace.attempts where direction = 'undo' group by 1, 2, 3, 4
     ), undone as (
       select b.*, (select max(f.committed_at) from millrace.attempts f
                    where f.transaction_id = b.transaction_id and f.step = b.step and f.item = b.item
                      and f.direction = 'forward' and f.round <= b.round) as settled
       from back b
     )
     select format('%s: %s[%s] was undone before %s[%s], which was done after it', a.transaction_id, a.step, a.item,
                   b.step, b.item) as line
     from undone a join undone b on b.transaction_id = a.transaction_id and b.round = a.round
     where a.began < b.began and a.settled < b.settled
     union all
     select format('%s: %s[%s] and %s[%s] were undone beside each other', a.transaction_id, a.step, a.item, b.step, b.item)
     from undone a join undone b on b.transaction_id = a.transaction_id and b.round = a.round
     where a.began < b.began and b.began < a.done`,
  )
  return rows.map((row) => row.line)
}
