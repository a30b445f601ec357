/** The outbox as its publisher reads and marks it: each statement looks at the lane's fence itself. */
import type { HeldLane, OutboxBite, OutboxLedger, OutboxLetter, OutboxMessage } from '../coordinator/ports.ts'
import type { Connections } from './connect.ts'

export function outboxOf(db: Connections): OutboxLedger {
  return {
    outboxPlace: (lane, seq) => outboxPlace(db, lane, seq),
    unpublished: (lane, afterSeq, most) => unpublished(db, lane, afterSeq, most),
    markPublished: (lane, seq) => markPublished(db, lane, seq),
    refuseMessage: (lane, seq, error) => refuseMessage(db, lane, seq, error),
  }
}

const fence = `fence as materialized (select id from millrace_data.lane where id = $1 and epoch = $2)`
/** For what writes, the lane is locked as a commit locks it: a takeover waits for it, and it sees a takeover. */
const locked = `fence as materialized (select id from millrace_data.lane where id = $1 and epoch = $2 for share)`

async function outboxPlace(db: Connections, { laneId, epoch }: HeldLane, seq: number) {
  const [row] = await db.query<{ published: string; id: string | null }>({
    name: 'millrace_outbox_place',
    text: `
with ${fence}
select coalesce(p.published_seq, 0) as published, o.id
from fence f
left join millrace_data.outbox_progress p on p.lane_id = f.id
left join millrace_data.outbox o on o.lane_id = f.id and o.seq = $3`,
    values: [laneId, epoch, seq],
  })
  return row ? { publishedSeq: Number(row.published), id: row.id } : null
}

interface MessageRead {
  seq: string | null
  id: string
  transaction_id: string | null
  topic: string
  key: Buffer | null
  value: Buffer | null
  headers: string
  error: string | null
  dead_letter_id: string | null
  letter: string | null
  sealed: Buffer | null
  code: string
  reason: string
  letter_topic: string
  kafka_partition: number
  kafka_offset: string
}

/** The size of a value is known without reading it, so what is not taken is not read. */
async function unpublished(
  db: Connections,
  { laneId, epoch }: HeldLane,
  afterSeq: number,
  most: OutboxBite,
): Promise<readonly OutboxMessage[] | null> {
  const rows = await db.query<MessageRead>({
    name: 'millrace_unpublished',
    text: `
with ${fence}, sized as (
  select o.lane_id, o.seq, row_number() over w as place,
         sum(coalesce(octet_length(o.value), octet_length(d.value), 0) + octet_length(coalesce(d.headers, o.headers)))
           over w as bytes
  from (select * from millrace_data.outbox where lane_id = $1 and seq > $3 order by seq limit $4) o
  left join millrace_data.dead_letter d on d.id = o.dead_letter_id
  window w as (order by o.seq)
)
select o.seq, o.id, o.transaction_id, o.topic, coalesce(o.key, d.key) as key,
       coalesce(o.value, d.value) as value, coalesce(d.headers, o.headers) as headers, o.error, o.dead_letter_id,
       d.id as letter, d.sealed, d.code, d.reason, k.name as letter_topic, l.kafka_partition, d.kafka_offset
from fence f
left join (sized s join millrace_data.outbox o on o.lane_id = s.lane_id and o.seq = s.seq)
  on s.place = 1 or s.bytes <= $5
left join millrace_data.dead_letter d on d.id = o.dead_letter_id
left join millrace_data.lane l on l.id = d.lane_id
left join millrace_data.topic k on k.id = l.topic_id
order by o.seq`,
    values: [laneId, epoch, afterSeq, most.rows, most.bytes],
  })
  if (rows.length === 0) return null
  return rows.filter((row) => row.seq !== null).map(messageOf)
}

function messageOf(row: MessageRead): OutboxMessage {
  const { id, topic, key, value, headers } = row
  const lost = row.dead_letter_id !== null && row.letter === null
  return {
    seq: Number(row.seq),
    id,
    transactionId: row.transaction_id,
    topic,
    key,
    value,
    headers,
    error: row.error ?? (lost ? 'the dead letter that it is a copy of is not in the ledger' : null),
    letter: row.letter === null ? null : letterOf(row, row.letter),
  }
}

function letterOf({ sealed, code, reason, letter_topic, kafka_partition, kafka_offset }: MessageRead, id: string) {
  const place = { topic: letter_topic, partition: kafka_partition, offset: Number(kafka_offset) }
  return { id, sealed, code, reason, ...place } satisfies OutboxLetter
}

async function markPublished(db: Connections, { laneId, epoch }: HeldLane, seq: number): Promise<boolean> {
  const rows = await db.query({
    name: 'millrace_mark_published',
    text: `
with ${locked}
insert into millrace_data.outbox_progress as p (lane_id, published_seq, published_at)
select id, $3::int8, clock_timestamp() from fence
on conflict (lane_id) do update
  set published_seq = greatest(p.published_seq, excluded.published_seq), published_at = excluded.published_at
returning lane_id`,
    values: [laneId, epoch, seq],
  })
  return rows.length === 1
}

async function refuseMessage(
  db: Connections,
  { laneId, epoch }: HeldLane,
  seq: number,
  error: string,
): Promise<boolean> {
  const rows = await db.query({
    name: 'millrace_refuse_message',
    text: `
with ${locked}
update millrace_data.outbox o set error = $4 from fence f where o.lane_id = f.id and o.seq = $3
returning o.seq`,
    values: [laneId, epoch, seq, error.replaceAll('\u0000', '\ufffd')],
  })
  return rows.length === 1
}
