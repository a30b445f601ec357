/** Removes what nobody looks for any more, in bounded bites, so that it never holds a commit up for long. */
import type { Connections } from './connect.ts'
import type { EngineIds } from './lanes.ts'

/** Rows of one bite; what is left goes with the next. */
const rowsMax = 10_000

export async function tidy(db: Connections, { engine, keepPublishedMs }: EngineIds): Promise<void> {
  await db.query({
    name: 'millrace_tidy_dedup',
    text: `
delete from millrace_data.dedup where key = any(array(
  select key from millrace_data.dedup
  where keep_until < now() and seen_at + (keep_until - record_at) < now()
  order by keep_until limit ${rowsMax} for update skip locked))`,
  })
  await db.query({
    name: 'millrace_tidy_http',
    text: `
delete from millrace_data.http_key where key = any(array(
  select key from millrace_data.http_key where keep_until < now() order by keep_until limit ${rowsMax} for update skip locked))`,
  })
  await db.query({ name: 'millrace_tidy_looks', text: forgetLooks })
  await db.query({
    name: 'millrace_tidy_outbox',
    text: prunePublished,
    values: [engine, keepPublishedMs],
  })
}

/** Of rests that ended as somebody was told of them. Who was told again since is not of those. */
const forgetLooks = `
with gone as materialized (
  select k.transaction_id, k.step, k.item, k.times from millrace_data.look k
  where not exists (select from millrace_data.rest w
                    where w.transaction_id = k.transaction_id and w.step = k.step and w.item = k.item)
  limit ${rowsMax})
delete from millrace_data.look k using gone g
where k.transaction_id = g.transaction_id and k.step = g.step and k.item = g.item and k.times = g.times`

const kept = `clock_timestamp() - $2::int8 * interval '1 ms'`

/** A lane's numbers grow with time: each lane is looked at from its oldest message on. What was refused stays to be seen. */
const prunePublished = `
delete from millrace_data.outbox o using (
  select p.lane_id, b.seq
  from millrace_data.engine e
  join millrace_data.lane l on l.engine_id = e.id
  join millrace_data.outbox_progress p on p.lane_id = l.id
  cross join lateral (
    select commit_id from millrace_data.outbox
    where lane_id = p.lane_id and seq <= p.published_seq and error is null
    order by seq limit 1) oldest
  join millrace_data.commit first on first.id = oldest.commit_id and first.sent_at < ${kept}
  cross join lateral (
    select seq, commit_id from millrace_data.outbox
    where lane_id = p.lane_id and seq <= p.published_seq and error is null
    order by seq limit ${rowsMax}) b
  join millrace_data.commit c on c.id = b.commit_id
  where e.name = $1 and c.sent_at < ${kept}
  limit ${rowsMax}) old
where o.lane_id = old.lane_id and o.seq = old.seq`
