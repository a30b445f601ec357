/**
 * Events and those who wait for them. Each side commits first and looks after: a wait that begins looks for events, an event
 * that came looks for waits. What one of the two could not do before its process died is marked in the ledger by the commit
 * that it should have followed: `look` for a wait, `untold` for an event.
 */
import type { FoundSignal, SignalClaim, SignalRef, SoughtFor, WaitRef } from '../coordinator/ports.ts'
import * as column from './columns.ts'
import type { Connections } from './connect.ts'
import { nudgeChannel } from './nudges.ts'
import { placesOf, type WaitRead, waitRef } from './rests.ts'

interface FoundRead {
  n: string
  hash: string
  id: string
  event: string
  take_first: boolean
}

/**
 * An event's id begins with the time at which it was read, or up to an hour before: older partitions than those of a day
 * before what is looked for are not opened.
 */
export async function findSignals(db: Connections, waits: readonly SoughtFor[], most: number): Promise<FoundSignal[]> {
  if (waits.length === 0) return []
  const rows = await db.query<FoundRead & Record<string, unknown>>({
    name: 'millrace_find_signals',
    text: `
with waits as materialized (
  select w.*, r.n, a.at as after_at, a.id as after_id
  from unnest($1::uuid[], $2::int2[], $3::text[], $5::uuid[]) with ordinality as r (transaction_id, step, item, after_id, n)
  join millrace_data.rest w on w.transaction_id = r.transaction_id and w.step = r.step and w.item = r.item
  left join millrace_data.signal a on a.id = r.after_id
  where w.key_hash is not null
)
select w.n, v.hash, s.id, s.event, s.take_first from waits w
cross join lateral (
  select s.id, s.event, s.at, s.take_first from millrace_data.signal s
  where s.workflow_id = w.workflow_id and s.key_hash = w.key_hash and s.key = w.key
    and s.at >= coalesce(w.after_at, w.not_before) and (w.after_id is null or (s.at, s.id) > (w.after_at, w.after_id))
    and s.id >= millrace.first_id(least(w.not_before, now()) - interval '1 day')
    and not exists (
      select from millrace_data.taken t where t.signal_id = s.id and t.is_only
        and (t.commit_id is not null or t.transaction_id <> w.transaction_id or t.step <> w.step or t.item <> w.item))
    and not exists (
      select from millrace_data.taken t where t.signal_id = s.id and t.commit_id is not null
        and t.transaction_id = w.transaction_id)
  order by s.at, s.id limit $4::int4) s
join millrace_data.transaction t on t.id = w.transaction_id
join millrace_data.version v on v.id = t.version_id
order by w.n, s.at, s.id`,
    values: [...placesOf(waits), most, column.uuid(waits.map((wait) => wait.afterId))],
  })
  return rows.map(({ n, hash, id, event, take_first }) => ({
    wait: waits[Number(n) - 1] as WaitRef,
    version: hash,
    signal: { id, text: event },
    isForOne: take_first,
  }))
}

/**
 * The rest is locked, so that a commit that ends it at this moment either is seen, or sees the claim. An event that everybody
 * gets needs no claim.
 */
export async function claimSignals(db: Connections, claims: readonly SignalClaim[]): Promise<SignalClaim[]> {
  if (claims.length === 0) return []
  const rows = await db.query<{ n: string }>({
    name: 'millrace_claim_signals',
    text: `
with mine as materialized (
  select c.n, c.signal_id, w.transaction_id, w.step, w.item, s.take_first
  from unnest($1::uuid[], $2::int2[], $3::text[], $4::uuid[]) with ordinality as c (id, step, item, signal_id, n)
  join millrace_data.rest w on w.transaction_id = c.id and w.step = c.step and w.item = c.item
  join millrace_data.signal s on s.id = c.signal_id
  order by w.transaction_id, w.step, w.item for update of w
), claimed as (
  insert into millrace_data.taken (signal_id, transaction_id, step, item, is_only)
  select signal_id, transaction_id, step, item, true from mine where take_first order by signal_id, n
  on conflict do nothing
  returning signal_id, transaction_id, step, item
)
select m.n from mine m
where not m.take_first
   or exists (select from claimed k where k.signal_id = m.signal_id and k.transaction_id = m.transaction_id
              and k.step = m.step and k.item = m.item)
   or exists (select from millrace_data.taken k where k.signal_id = m.signal_id and k.transaction_id = m.transaction_id
              and k.step = m.step and k.item = m.item and k.commit_id is null)
order by m.n`,
    values: [...placesOf(claims), column.uuid(claims.map((claim) => claim.signalId))],
  })
  return rows.map(({ n }) => claims[Number(n) - 1] as SignalClaim)
}

/** All of them are to be looked at, also those of our own lanes: we may not live to do it. */
export async function nudge(
  db: Connections,
  signals: readonly SignalRef[],
  laneIds: readonly number[],
): Promise<WaitRef[]> {
  if (signals.length === 0) return []
  const rows = await db.query<WaitRead & Record<string, unknown>>({
    name: 'millrace_nudge',
    text: `
with came as materialized (
  select s.id, s.workflow_id, s.key_hash, s.key, s.at from millrace_data.signal s where s.id = any($1::uuid[])
), waiting as materialized (
  select distinct w.transaction_id, w.step, w.item, w.lane_id
  from came s join millrace_data.rest w
    on w.workflow_id = s.workflow_id and w.key_hash = s.key_hash and w.key = s.key and w.not_before <= s.at
  order by w.transaction_id, w.step, w.item
), nudged as (
  insert into millrace_data.look as k (transaction_id, step, item, lane_id)
  select transaction_id, step, item, lane_id from waiting
  on conflict (transaction_id, step, item) do update set times = k.times + 1
  returning transaction_id, step, item, lane_id, times
), told as (
  delete from millrace_data.untold where signal_id = any($1::uuid[])
), said as (
  select pg_notify('${nudgeChannel}', string_agg(distinct lane_id::text, ' '))
  from waiting where lane_id <> all($2::int4[]) having count(*) > 0
)
-- What is said is asked for first: with none of our own lanes nobody would, and nothing would be said.
select n.transaction_id, n.step, n.item, n.lane_id, n.times
from (select count(*) from said) s left join nudged n on n.lane_id = any($2::int4[])`,
    values: [column.uuid(signals.map((signal) => signal.id)), column.int4(laneIds)],
  })
  return rows.filter((row) => row.transaction_id !== null).map(waitRef)
}
