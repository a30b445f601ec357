/** Removes what nobody looks for any more, in bounded bites, so that it never holds a commit up for long. */
import type { Connections } from './connect.ts'

/** Rows of one bite; what is left goes with the next. */
const rowsMax = 10_000

export async function tidy(db: Connections): Promise<void> {
  await db.query({
    name: 'millrace_tidy_dedup',
    text: `
delete from millrace_data.dedup where key = any(array(
  select key from millrace_data.dedup
  where keep_until < now() and seen_at + (keep_until - record_at) < now()
  order by keep_until limit ${rowsMax} for update skip locked))`,
  })
}
