/**
 * The book of an outside provider against the ledger: a movement happens once for each idempotency key, every one belongs to
 * an attempt, and every attempt that succeeded has its own. The book is a file of JSON, one entry a line; see docs/operations.md.
 */
import { createReadStream } from 'node:fs'
import { EngineError, messageOf } from '../base/error.ts'
import { type Check, run } from './check.ts'
import type { Judgement } from './finding.ts'
import { isPlain, richStand, richValues } from './rich.ts'
import { prunedTransaction } from './words.ts'
import type { World } from './world.ts'

export interface Book {
  /** Keys of the movements that happened, in the order of the book. */
  readonly keys: readonly string[]
  /** The number of the line of each. */
  readonly lines: readonly number[]
}

export async function checkBook(file: string, world: World): Promise<Judgement> {
  const { keys, lines } = await readBook(file)
  return run({ ...book, values: () => [...richValues(world), keys, lines] }, world)
}

/** A last line without its end is what a kill in mid-write leaves: nobody was answered for it. */
export async function readBook(file: string): Promise<Book> {
  const keys: string[] = []
  const lines: number[] = []
  let line = 0
  let rest = ''
  try {
    for await (const chunk of createReadStream(file, 'utf8')) {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        const key = keyOf(part, file, ++line)
        if (key !== null) lines.push(line) && keys.push(key)
      }
    }
  } catch (cause) {
    if (cause instanceof EngineError) throw cause
    throw new EngineError('unreadable_file', `${file} cannot be read: ${messageOf(cause)}`, { cause })
  }
  return { keys, lines }
}

/** Null: nothing happened, as with a card that was declined. */
function keyOf(text: string, file: string, line: number): string | null {
  if (text.trim() === '') return null
  const entry = parsed(text)
  if (typeof entry?.key === 'string')
    return entry.status === undefined || entry.status === 'succeeded' ? entry.key : null
  throw new EngineError('book_corrupt', `${file}:${line}: expected a JSON object with a text "key"`)
}

function parsed(text: string): { key?: unknown; status?: unknown } | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** As `transaction/ids.ts` makes it. */
const keyText = `left(encode(sha256(convert_to(substr(s.id::text, 14) || '/' || t.name || '/' || l.kafka_partition || '/'
  || s.kafka_offset || '/' || v.step_ids[s.step + 1] || case s.item when '' then '' else '[' || s.item || ']' end
  || case when s.is_undo then '/undo/' else '/forward/' end || s.round, 'UTF8')), 'hex'), 32)`

/** A book is in the order of time: what was done before the first transaction that is not pruned was asked for may be by a pruned one. */
const ofWhatIsThere = `(
  not exists (select from millrace_data.lane_horizon)
  or b.line > (select min(line) from matched m where not ${prunedTransaction('m.id')}))`

/** What is open may be at work on its next step; what did not complete may have been, when its coordinator was lost. */
const book: Check = {
  name: 'book',
  holds:
    'in the provider’s book no key is twice, each belongs to an attempt of the ledger, and each step that succeeded has its own',
  kinds: {
    charged_twice: 'the provider: it did the same thing twice for one idempotency key',
    charged_by_nobody: 'millrace_data.attempt: rows are gone; else something was done that the ledger does not know of',
    not_charged:
      'millrace_data.attempt: outcome was changed or the row is too much; else the provider has forgotten it',
  },
  sql: `
with recursive ${richStand}, book as materialized (
  select key, line, left(key, 32) as begins from unnest($4::text[], $5::int8[]) as b (key, line)
), reached as (
  select transaction_id, step, bool_or(outcome = 1 and resolved_by is null) as ok, bool_or(outcome <> 0) as ran
  from millrace_data.attempt where ${isPlain('transaction_id')} group by 1, 2
), last as (
  select t.id, t.lane_id, t.version_id, t.kafka_offset, coalesce(max(a.step), -1) as step
  from millrace_data.transaction t left join millrace_data.attempt a on a.transaction_id = t.id
  where not exists (select from millrace_data.ending e where e.transaction_id = t.id) and ${isPlain('t.id')}
  group by t.id
), unsure as materialized (
  select r.id, r.lane_id, r.version_id, r.kafka_offset, coalesce(o.last, 1)::int as round
  from rich r
  left join opened o on o.transaction_id = r.id
  where not exists (select from millrace_data.ending e where e.transaction_id = r.id and e.state = 1)
), items (id, lane_id, version_id, kafka_offset, round, within, item, depth) as (
  select id, lane_id, version_id, kafka_offset, round, -1, '' collate "C", 0 from unsure
  union all
  select i.id, i.lane_id, i.version_id, i.kafka_offset, i.round, f.step,
         (case i.item when '' then '' else i.item || '.' end || n.n) collate "C", i.depth + 1
  from items i
  join shape f on f.version = i.version_id and f.kind = 'forEach' and f.within = i.within
  cross join lateral (
    select coalesce(max(split_part(a.item, '.', i.depth + 1)::int), -1) + f.at_once as most
    from millrace_data.attempt a join shape s on s.version = i.version_id and s.step = a.step
    where a.transaction_id = i.id and a.step > f.step and s.depth > i.depth and (i.item = '' or starts_with(a.item, i.item || '.'))) m
  cross join lateral generate_series(0, m.most) as n (n)
), steps as (
  select t.id, t.lane_id, t.version_id, t.kafka_offset, r.step, '' as item, false as is_undo, 1 as round, r.ok::int as oks
  from reached r join millrace_data.transaction t on t.id = r.transaction_id
  where r.ran
  union all
  select id, lane_id, version_id, kafka_offset, n, '', false, 1, 0 from last, generate_series(greatest(step, 0), step + 1) as n
  union all
  select r.id, r.lane_id, r.version_id, r.kafka_offset, r.step, r.item, r.is_undo, n.n, r.oks
  from (
    select r.id, r.lane_id, r.version_id, r.kafka_offset, r.step, r.item, s.kind = 'undo' as is_undo, max(r.round) as rounds,
           (count(*) filter (where r.outcome = 1 and not r.resolved))::int as oks
    from rows r join shape s on s.version = r.version_id and s.step = r.step
    where s.kind in ('invoke', 'undo') and r.outcome <> 0
    group by 1, 2, 3, 4, 5, 6, 7) r
  cross join lateral generate_series(1, r.rounds) as n (n)
  union all
  select i.id, i.lane_id, i.version_id, i.kafka_offset, s.step, i.item, s.kind = 'undo', n.n, 0
  from items i join shape s on s.version = i.version_id and s.within = i.within and s.kind in ('invoke', 'undo')
  cross join lateral generate_series(1, i.round) as n (n)
), keyed as materialized (
  select s.*, v.workflow_id, v.step_ids[s.step + 1] as step_id, k.key
  from steps s
  join millrace_data.version v on v.id = s.version_id
  join millrace_data.lane l on l.id = s.lane_id
  join millrace_data.topic t on t.id = l.topic_id
  cross join lateral (select ${keyText} as key) k
), matched as materialized (
  select k.*, b.line from keyed k join (select begins, min(line) as line from book group by 1) b on b.begins = k.key
), wrong (kind, lane, workflow, position, id, expected, found) as (
  select 'charged_twice', min(m.lane_id), min(m.workflow_id), min(m.kafka_offset), coalesce(min(m.id::text), b.key),
         'key ' || b.key || ' once in the book', 'twice or more, in lines ' || string_agg(b.line::text, ', ' order by b.line)
  from (select key, begins, line, count(*) over (partition by key) as times from book) b
  left join (select distinct on (key) * from matched order by key) m on m.key = b.begins
  where b.times > 1 group by b.key
  union all
  select 'charged_by_nobody', null, null, null, b.key, 'an attempt that has this key', 'none; line ' || b.line || ' of the book has it'
  from book b where not exists (select from matched m where m.key = b.begins) and ${ofWhatIsThere}
  union all
  select 'not_charged', k.lane_id, k.workflow_id, k.kafka_offset, k.id::text,
         'a line with key ' || min(k.key) || ': step ' || k.step_id || case k.item when '' then '' else '[' || k.item || ']' end
           || case when max(k.oks) > 1 then ' succeeded in ' || max(k.oks) || ' rounds' else ' succeeded' end
           || ', and others of this step are in the book', case when count(m.key) = 0 then 'none' else 'lines of ' || count(m.key) || ' rounds' end
  from keyed k left join (select distinct id, key from matched) m on m.id = k.id and m.key = k.key
  where k.oks > 0 and (k.workflow_id, k.step_id, k.is_undo) in (select workflow_id, step_id, is_undo from matched)
  group by k.lane_id, k.workflow_id, k.kafka_offset, k.id, k.step, k.item, k.step_id
  having count(m.key) < max(k.oks)
)
select kind, lane, w.name, position, x.id, expected, found
from wrong x left join millrace_data.workflow w on w.id = x.workflow`,
}
