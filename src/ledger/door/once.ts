/** Idempotency keys: claimed before a request is written, kept for a day after. */
import type { Claim, ClaimAnswer, ClaimDone } from '../../api/ports.ts'
import type { Connections } from '../connect.ts'

/** Whoever claimed and is not heard of for so long was lost: longer than a door tries to write, in seconds. */
const lostAfterS = 30
/** As long as lanes tell copies by the key (`coordinator/arrival.ts`), and a little less. */
const keptHours = 23

/** Each key once. In the order of the claims; a row that is being claimed elsewhere is waited for. */
export async function claim(db: Connections, claims: readonly Claim[]): Promise<ClaimAnswer[]> {
  const rows = await db.query<ClaimRead>({
    name: 'millrace_http_claim',
    text: `
with asked as (
  select * from unnest($1::uuid[], $2::bytea[], $3::uuid[]) as a (key, digest, owner)
), ours as (
  insert into millrace_data.http_key as h (key, digest, owner, claimed_at, keep_until)
  select key, digest, owner, clock_timestamp(), clock_timestamp() + interval '${keptHours} hours' from asked order by key
  on conflict (key) do update
    set owner = excluded.owner, claimed_at = excluded.claimed_at, keep_until = excluded.keep_until, digest = excluded.digest,
        transaction_id = null, kafka_partition = null, kafka_offset = null
    where h.keep_until < clock_timestamp()
      or (h.transaction_id is null and h.digest = excluded.digest
          and h.claimed_at < clock_timestamp() - interval '${lostAfterS} seconds')
  returning h.key, xmax <> 0 as again
)
select a.key, o.key is not null as ours, coalesce(o.again, false) as again, h.digest = a.digest as same,
       h.transaction_id, h.kafka_partition, h.kafka_offset::float8 as kafka_offset
from asked a
left join ours o on o.key = a.key
left join millrace_data.http_key h on h.key = a.key and o.key is null`,
    values: [claims.map((each) => each.key), claims.map((each) => each.digest), claims.map((each) => each.owner)],
  })
  const byKey = new Map(rows.map((row) => [row.key, row]))
  return claims.map(({ key }) => answerOf(byKey.get(key) as ClaimRead))
}

interface ClaimRead extends Record<string, unknown> {
  key: string
  ours: boolean
  again: boolean
  /** Null: its row came and is not seen by this statement yet. */
  same: boolean | null
  transaction_id: string | null
  kafka_partition: number | null
  kafka_offset: number | null
}

function answerOf({ ours, again, same, transaction_id: id, kafka_partition, kafka_offset }: ClaimRead): ClaimAnswer {
  if (ours) return { is: 'ours', again }
  if (same === null) return { is: 'busy' }
  if (!same) return { is: 'other_request' }
  if (id === null) return { is: 'busy' }
  return { is: 'done', id, place: { partition: kafka_partition as number, offset: kafka_offset as number } }
}

/** Of a claim that was taken over meanwhile the one who took it says what came of it. */
export async function claimed(db: Connections, done: readonly ClaimDone[]): Promise<void> {
  await db.query({
    name: 'millrace_http_claimed',
    text: `
update millrace_data.http_key h
set transaction_id = d.id, kafka_partition = d.partition, kafka_offset = d.kafka_offset
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int4[], $5::int8[]) as d (key, owner, id, partition, kafka_offset)
where h.key = d.key and h.owner = d.owner`,
    values: [
      done.map((each) => each.key),
      done.map((each) => each.owner),
      done.map((each) => each.id),
      done.map((each) => each.place.partition),
      done.map((each) => each.place.offset),
    ],
  })
}

export async function abandon(
  db: Connections,
  keys: readonly { readonly key: string; readonly owner: string }[],
): Promise<void> {
  await db.query({
    name: 'millrace_http_abandon',
    text: `
update millrace_data.http_key h set claimed_at = '-infinity'
from unnest($1::uuid[], $2::uuid[]) as k (key, owner)
where h.key = k.key and h.owner = k.owner and h.transaction_id is null`,
    values: [keys.map((each) => each.key), keys.map((each) => each.owner)],
  })
}
