/** The offsets at which Kafka holds a record, as ranges, and the check that the ledger says the same of each. */
import { type Check, run } from './check.ts'
import { type Judgement, merged } from './finding.ts'
import type { Span } from './kafka.ts'
import type { LaneFacts, World } from './world.ts'

/** Ranges in memory; they are asked of when they are so many. A partition without gaps is one. */
const rangesMax = 200_000

interface Window {
  readonly lane: LaneFacts
  readonly fromOffset: number
  toOffset: number
  /** First and last offsets of what is there, in turn. */
  readonly ranges: number[]
}

export class Held {
  readonly #world: World
  readonly #lanes: readonly LaneFacts[]
  readonly #looseTopics: ReadonlyMap<string, unknown>
  readonly #judgements: Judgement[] = []
  #windows: Window[] = []
  #ranges = 0

  /** `looseTopics`: of these a record may be gone though its neighbours are there. */
  constructor(world: World, lanes: readonly LaneFacts[], looseTopics: ReadonlyMap<string, unknown>) {
    this.#world = world
    this.#lanes = lanes
    this.#looseTopics = looseTopics
  }

  async take(part: Span & { readonly records: readonly { readonly offset: number }[] }): Promise<void> {
    for (const lane of this.#lanes) {
      if (lane.topic !== part.topic || lane.partition !== part.partition) continue
      const window = this.#windowOf(lane, part)
      window.toOffset = part.toOffset
      for (const { offset } of part.records) this.#add(window.ranges, offset)
    }
    if (this.#ranges >= rangesMax) await this.#ask()
  }

  async judge(): Promise<Judgement> {
    await this.#ask()
    return merged(this.#judgements)
  }

  /** What lies between two parts has been forgotten by Kafka while we read: nothing is held against anybody. */
  #windowOf(lane: LaneFacts, part: Span): Window {
    const open = this.#windows.findLast((window) => window.lane === lane)
    if (open?.toOffset === part.fromOffset) return open
    const window = { lane, fromOffset: part.fromOffset, toOffset: part.fromOffset, ranges: [] }
    this.#windows.push(window)
    return window
  }

  #add(ranges: number[], offset: number): void {
    if (ranges.at(-1) === offset - 1) ranges[ranges.length - 1] = offset
    else this.#ranges += ranges.push(offset, offset) > 0 ? 1 : 0
  }

  async #ask(): Promise<void> {
    const windows = this.#windows
    this.#windows = []
    this.#ranges = 0
    const values = [
      windows.map((window) => window.lane.id),
      windows.map((window) => window.fromOffset),
      windows.map((window) => window.toOffset),
      windows.map((window) => multirange(window.ranges)),
      windows.map((window) => this.#looseTopics.has(window.lane.topic)),
    ]
    this.#judgements.push(await run({ ...records, values: () => values }, this.#world))
  }
}

/** As Postgres writes an int8multirange. */
function multirange(ranges: readonly number[]): string {
  const parts: string[] = []
  for (let at = 0; at < ranges.length; at += 2) parts.push(`[${ranges[at]},${ranges[at + 1]}]`)
  return `{${parts.join(',')}}`
}

const records: Check = {
  name: 'records',
  holds:
    'what the ledger has as a transaction, duplicate, kept event or dead letter is a record in Kafka, and no record in Kafka is passed over as if it were not there',
  kinds: {
    record_ignored: 'millrace_data.passed: the row is wrong; else a record was never read',
    no_such_record: 'the row is too much, or its offset was changed',
  },
  sql: `
with held as materialized (
  select * from unnest($2::int4[], $3::int8[], $4::int8[], $5::int8multirange[], $6::bool[])
    as h (lane, first, behind, ranges, loose)
), said (lane, workflow, first, last, what, id) as (
  select t.lane_id, v.workflow_id, t.kafka_offset, t.kafka_offset, 'a transaction', t.id
  from millrace_data.transaction t join millrace_data.version v on v.id = t.version_id
  union all
  select lane_id, workflow_id, kafka_offset, kafka_offset, 'a kept event', id from millrace_data.signal
  union all
  select lane_id, workflow_id, kafka_offset, kafka_offset, 'a duplicate', null from millrace_data.duplicate
  union all
  select lane_id, workflow_id, kafka_offset, kafka_offset, 'a dead letter', id from millrace_data.dead_letter
  union all
  select lane_id, workflow_id, from_offset, to_offset, 'passed as a record of another type', null
  from millrace_data.passed where reason = 1
), wrong (kind, lane, workflow, position, id, expected, found) as (
  select 'record_ignored', p.lane_id, p.workflow_id, lower(h.ranges * int8range(p.from_offset, p.to_offset, '[]')::int8multirange),
         null::uuid, 'a transaction, duplicate, dead letter or passed record: Kafka holds one',
         'passed as ' || (array['absent', '', 'compacted', 'aborted', 'control', 'retention'])[p.reason - 2]
           || ', from ' || p.from_offset || ' to ' || p.to_offset
  from millrace_data.passed p join held h on h.lane = p.lane_id
  where p.reason in (3, 5, 6, 7, 8) and h.ranges && int8range(p.from_offset, p.to_offset, '[]')
  union all
  select 'no_such_record', s.lane, s.workflow, s.first, s.id, 'nothing: Kafka holds no record at this offset', s.what
  from said s join held h on h.lane = s.lane
  where not h.loose and s.first < h.behind and s.last >= h.first
    and not h.ranges @> int8range(greatest(s.first, h.first), least(s.last + 1, h.behind))
)
select kind, lane, w.name, position, x.id::text, expected, found
from wrong x left join millrace_data.workflow w on w.id = x.workflow`,
}
