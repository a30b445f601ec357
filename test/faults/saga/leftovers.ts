/** When all has ended nobody rests any more, no event is kept back for anybody, and each command has its answer. */
import type { Arena } from '../arena.ts'

export async function leftBehind(arena: Arena): Promise<string[]> {
  const rows = await arena.query<{ line: string }>(
    `select format('%s %s[%s] rests on', transaction_id, step, item) as line from millrace_data.rest
     union all
     select format('%s %s[%s] is to be looked at', transaction_id, step, item) from millrace_data.look
     union all
     select format('nobody was told of event %s', signal_id) from millrace_data.untold
     union all
     select format('event %s is kept back for %s', signal_id, transaction_id) from millrace_data.taken where commit_id is null
     union all
     select format('command %s (%s) has no answer', id, kind) from millrace.commands where state = 'pending'`,
  )
  return rows.map((row) => row.line)
}
