/** Who was called ends before who called it, and as that one's step says; what was called and completed is undone with it. */
import type { Arena } from '../arena.ts'

export async function childrenUnlike(arena: Arena): Promise<string[]> {
  const rows = await arena.query<{ line: string }>(
    `select format('%s is %s, and %s, which it called, is %s', p.id, p.state, c.id, c.state) as line
     from millrace.transactions c join millrace.transactions p on p.id = c.parent_id
     where c.ended_at is null
        or (p.state = 'completed' and c.state <> 'completed' and p.round = 1)
        or (p.state in ('compensated', 'cancelled') and c.state not in ('compensated', 'cancelled', 'failed'))
     union all
     select format('%s called %s', id, parent_id) from millrace.transactions c
     where parent_id is not null and not exists (select from millrace.transactions p where p.id = c.parent_id)`,
  )
  return rows.map((row) => row.line)
}
