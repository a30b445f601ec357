/** Messages to Kafka stand in the order of their commits, each once, and the mark of what is published fits them. */
import type { Check } from '../check.ts'
import { isHashOf } from '../origin.ts'
import { isPlain, nameOf, richOnes, richValues } from '../rich.ts'
import { prunedTransaction, sameSession } from '../words.ts'
import type { World } from '../world.ts'

/** Old messages may be pruned, the oldest first: what an older one is there of, or nothing was published yet, must be there. */
const kept = `(
  not exists (select from millrace_data.outbox_progress p where p.lane_id = d.lane_id)
  or exists (select from millrace_data.outbox o where o.lane_id = d.lane_id and o.commit_id < d.commit_id
             and ${sameSession('o.commit_id', 'd.commit_id')}))`

/** As `transaction/publish.ts` writes it. */
const causeText = `'message:' || o.transaction_id || '/' || coalesce(v.step_ids[o.step + 1],
  case when e.state = 1 then '/completed' when e.state > 1 then '/failed' else '' end) || '/' || o.n`

/** The same of a step of an item, of a compensation, of a later round. */
const causeOf = (name: string, round: string, n: string) =>
  `'message:' || x.id || '/' || ${name} || case ${round} when 1 then '' else '@' || ${round} end || '/' || ${n}`

const hashOf = (text: string) => `substring(sha256(convert_to(${text}, 'UTF8')) from 10 for 7)`

export const outbox: Check = {
  name: 'outbox',
  holds:
    'messages of a lane are numbered in the order of their commits, none is there twice, what they were caused by is there, and the mark is on one of them',
  kinds: {
    mark_beyond:
      'millrace_data.outbox_progress: published_seq was changed: what comes next would be taken for published',
    disordered: 'millrace_data.outbox: seq or commit_id was changed',
    message_twice: 'millrace_data.outbox: one of the two is too much',
    cause_missing: 'millrace_data.outbox: transaction_id or dead_letter_id was changed; or that row is gone',
    message_differs: 'millrace_data.outbox: id, topic or dead_letter_id was changed',
    message_missing: 'millrace_data.outbox: the row is gone: the copy of the dead letter will not be published',
    cause_elsewhere: 'millrace_data.outbox: lane_id, transaction_id or dead_letter_id was changed',
  },
  sql: `
with ${richOnes}, ordered as (
  select o.lane_id, o.seq, o.id, o.commit_id, lag(o.seq) over w as p_seq, lag(o.commit_id) over w as p_commit
  from millrace_data.outbox o window w as (partition by o.lane_id order by o.seq)
), copied (workflow, topic) as (
  select * from unnest($4::int4[], $5::text[])
), published (version, step, ended, n) as (
  select * from unnest($6::int4[], $7::int4[], $8::int4[], $9::int4[])
), due as (
  select t.id, t.lane_id, t.kafka_offset, p.version, p.step, p.n, e.commit_id
  from published p
  join millrace_data.transaction t on t.version_id = p.version
  join millrace_data.ending e on e.transaction_id = t.id and least(e.state, 2) = p.ended
  where ${isPlain('t.id')}
  union all
  select t.id, t.lane_id, t.kafka_offset, p.version, p.step, p.n, a.commit_id
  from published p
  join millrace_data.transaction t on t.version_id = p.version
  join millrace_data.attempt a on a.transaction_id = t.id and a.step = p.step and a.outcome = 1
  where ${isPlain('t.id')}
), rich_causes as materialized (
  select r.id, r.lane_id, r.kafka_offset, r.version_id, a.step::int as step, coalesce(a.round, 1)::int as round, a.commit_id,
         ${nameOf('s', 'a.item')} as name
  from rich r
  join millrace_data.attempt a on a.transaction_id = r.id and a.outcome = 1
  join shape s on s.version = r.version_id and s.step = a.step
  union all
  select r.id, r.lane_id, r.kafka_offset, r.version_id, null, coalesce(q.last, 1), e.commit_id,
         case e.state when 1 then '/completed' else '/failed' end
  from rich r
  join millrace_data.ending e on e.transaction_id = r.id
  left join (select transaction_id, max(round) as last from millrace_data.round group by 1) q on q.transaction_id = r.id
  union all
  select r.id, r.lane_id, r.kafka_offset, r.version_id, null, q.round - 1, q.commit_id, case q.state when 1 then '/completed' else '/failed' end
  from rich r join millrace_data.round q on q.transaction_id = r.id
), told as (
  select o.id, o.transaction_id, o.step, o.n, substring(uuid_send(o.id) from 10) as hash from millrace_data.outbox o
  where o.dead_letter_id is null and not ${isPlain('o.transaction_id')}
), expected as (
  select x.id, x.step, g.n, ${hashOf(causeOf('x.name', 'x.round', 'g.n'))} as hash
  from rich_causes x
  join (select transaction_id, step, max(n) as most from told group by 1, 2) m
    on m.transaction_id = x.id and coalesce(m.step, -1) = coalesce(x.step, -1)
  cross join lateral generate_series(0, m.most) as g (n)
), caused as (
  select o.*,
         case when ${prunedTransaction('o.transaction_id')} then o.lane_id
              when (t.id is null and o.transaction_id is not null) or (d.id is null and o.dead_letter_id is not null) then null
              else coalesce(t.lane_id, d.lane_id) end as cause_lane,
         coalesce(t.kafka_offset, d.kafka_offset) as position
  from millrace_data.outbox o
  left join millrace_data.transaction t on t.id = o.transaction_id
  left join millrace_data.dead_letter d on d.id = o.dead_letter_id
)
select 'mark_beyond', p.lane_id, null, null::int8, null, 'at most ' || max(o.seq) || ', the last message', 'mark ' || p.published_seq
from millrace_data.outbox_progress p join millrace_data.outbox o on o.lane_id = p.lane_id
group by p.lane_id, p.published_seq having p.published_seq > max(o.seq)
union all
select 'disordered', lane_id, null, null, id::text, 'a commit not before ' || p_commit || ', that of message ' || p_seq,
       'message ' || seq || ' in commit ' || commit_id
from ordered where commit_id < p_commit and ${sameSession('commit_id', 'p_commit')}
union all
select 'message_twice', min(lane_id), null, null, id::text, 'one message', count(*) || ' with this id'
from millrace_data.outbox group by id having count(*) > 1
union all
select case when cause_lane is null then 'cause_missing' else 'cause_elsewhere' end, lane_id, null, position, id::text,
       'a cause in its lane: ' || coalesce('transaction ' || transaction_id, 'dead letter ' || dead_letter_id, 'none is named'),
       case when cause_lane is null then 'none' else 'one in another lane' end
from caused where cause_lane is distinct from lane_id
union all
select 'message_differs', lane_id, null, position, id::text, 'an id made of its dead letter and topic', 'another id'
from caused where dead_letter_id is not null and not ${isHashOf('id', "'message:' || dead_letter_id || '/' || topic")}
union all
select 'message_missing', d.lane_id, w.name, d.kafka_offset, d.id::text, 'a copy of the dead letter for ' || c.topic, 'none'
from millrace_data.dead_letter d
join copied c on c.workflow = d.workflow_id
join millrace_data.workflow w on w.id = d.workflow_id
where not exists (select from millrace_data.outbox o where o.dead_letter_id = d.id and o.topic = c.topic)
  and ${kept}
union all
select 'message_missing', d.lane_id, w.name, d.kafka_offset, d.id::text,
       'message ' || d.n || coalesce(' of step ' || v.step_ids[d.step + 1], ' of its end'), 'none'
from due d
join millrace_data.version v on v.id = d.version
join millrace_data.workflow w on w.id = v.workflow_id
where not exists (
  select from millrace_data.outbox o
  where o.transaction_id = d.id and o.dead_letter_id is null and o.step is not distinct from d.step and o.n = d.n) and ${kept}
union all
select 'message_differs', o.lane_id, w.name, o.position, o.id::text, 'an id made of its transaction, step and number', 'another id'
from caused o
join millrace_data.transaction t on t.id = o.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
left join millrace_data.ending e on e.transaction_id = t.id
where o.dead_letter_id is null and ${isPlain('o.transaction_id')} and not ${isHashOf('o.id', causeText)}
union all
select 'message_missing', x.lane_id, w.name, x.kafka_offset, x.id::text, 'message ' || p.n || ' of ' || x.name, 'none'
from rich_causes x
join published p on p.version = x.version_id
  and (p.step = x.step or (p.step is null and x.step is null and p.ended = case x.name when '/completed' then 1 else 2 end))
join millrace_data.version v on v.id = x.version_id
join millrace_data.workflow w on w.id = v.workflow_id
cross join lateral (select x.lane_id, x.commit_id) d
where ${kept} and not exists (
  select from told o where o.transaction_id = x.id and o.n = p.n and o.hash = ${hashOf(causeOf('x.name', 'x.round', 'p.n'))})
union all
select 'message_differs', o.lane_id, w.name, o.position, o.id::text, 'an id made of its transaction, step, item, round and number', 'another id'
from caused o
join rich r on r.id = o.transaction_id
join millrace_data.version v on v.id = r.version_id
join millrace_data.workflow w on w.id = v.workflow_id
where o.dead_letter_id is null and not exists (
  select from expected x where x.id = o.transaction_id and coalesce(x.step, -1) = coalesce(o.step, -1) and x.n = o.n
    and x.hash = substring(uuid_send(o.id) from 10))`,
  values: (world) => [...richValues(world), ...copyTopics(world), ...publications(world)],
}

/** Workflows and the topics for their dead letters, where all versions say the same. Old messages may be pruned. */
function copyTopics({ versions }: World): unknown[] {
  const topics = new Map<number, Set<string | null>>()
  for (const { workflowId, plan } of versions) {
    topics.set(workflowId, (topics.get(workflowId) ?? new Set()).add(plan?.deadLetter.topic ?? null))
  }
  const sure = [...topics].flatMap(([workflowId, [topic, ...others]]) =>
    topic && others.length === 0 ? [{ workflowId, topic }] : [],
  )
  return [sure.map((each) => each.workflowId), sure.map((each) => each.topic)]
}

/** Four columns: version, step, state of the ending, number. Only what is published whatever the event says. */
function publications({ versions }: World): unknown[] {
  const all = versions.flatMap(({ id, plan }) => {
    if (plan === null) return []
    const of = (list: readonly { readonly when: unknown }[], step: number | null, ended: number | null) =>
      list.flatMap(({ when }, n) => (when === null ? [{ id, step, ended, n }] : []))
    const steps = plan.steps.flatMap((step) => of(step.publish, step.no, null))
    return [...steps, ...of(plan.publish.completed, null, 1), ...of(plan.publish.failed, null, 2)]
  })
  return [
    all.map((each) => each.id),
    all.map((each) => each.step),
    all.map((each) => each.ended),
    all.map((each) => each.n),
  ]
}
