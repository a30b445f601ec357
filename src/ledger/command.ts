/** Operators' commands as rows: whoever holds the lane carries them out, and answers in the same commit. */
import type { Command } from '../coordinator/ports.ts'
import type { Connections } from './connect.ts'

export interface NewCommand {
  readonly kind: Command['kind']
  /** Id of the transaction or dead letter. */
  readonly target: string
  /** JSON text. */
  readonly args: string
}

export interface AskedCommand extends NewCommand {
  readonly id: string
  readonly state: 'pending' | 'done' | 'refused'
  readonly answer: string | null
  readonly asked_by: string
  /** It was asked before, and is not answered yet. */
  readonly is_old: boolean
}

/**
 * All or none. One of the same kind that its target still waits for is not asked again: it is answered with as it stands.
 * Commands are carried out in the order in which they are given here. Whoever gives many gives them in one order always,
 * so that two of these cannot wait for each other.
 */
export async function ask(
  db: Connections,
  commands: readonly NewCommand[],
  by: { readonly askedBy: string; readonly why: string | null },
): Promise<AskedCommand[]> {
  const asked = await askOnce(db, commands, by)
  const targets = new Set(asked.map((each) => each.target))
  const missed = commands.filter((each) => !targets.has(each.target))
  // Somebody asked for the same in this very moment: it is there to be seen now.
  return missed.length === 0 ? asked : [...asked, ...(await askOnce(db, missed, by))]
}

function askOnce(
  db: Connections,
  commands: readonly NewCommand[],
  by: { readonly askedBy: string; readonly why: string | null },
): Promise<AskedCommand[]> {
  return db.query<AskedCommand & Record<string, unknown>>({
    text: `
with wanted as (
  select coalesce(t.lane_id, d.lane_id) as lane_id, w.kind, w.target, w.args, w.n
  from unnest($1::text[], $2::uuid[], $3::text[]) with ordinality as w (kind, target, args, n)
  left join millrace_data.transaction t on w.kind in (${ofTransactions}) and t.id = w.target
  left join millrace_data.dead_letter d on w.kind not in (${ofTransactions}) and d.id = w.target
), asked as (
  insert into millrace_data.command (lane_id, kind, target, args, asked_by, why)
  select lane_id, kind, target, args, $4, $5 from wanted order by n
  on conflict (lane_id, kind, target) where state = 1 do nothing
  returning id, kind, target, args, asked_by
)
select id, kind, target, args, asked_by, 'pending' as state, null as answer, false as is_old from asked
union all
select c.id, c.kind, c.target, c.args, c.asked_by, 'pending', null, true
from wanted w
join millrace_data.command c on c.lane_id = w.lane_id and c.kind = w.kind and c.target = w.target and c.state = 1`,
    values: [
      commands.map((each) => each.kind),
      commands.map((each) => each.target),
      commands.map((each) => each.args),
      by.askedBy,
      by.why,
    ],
  })
}

/** Others are about dead letters. */
const ofTransactions = `'resolve', 'cancel', 'compensate', 'retry'`

/** How they stand now. */
export function answersTo(
  db: Connections,
  ids: readonly string[],
): Promise<Pick<AskedCommand, 'id' | 'state' | 'answer'>[]> {
  return db.query({
    name: 'millrace_command_answers',
    text: `
select id, case state when 2 then 'done' else 'refused' end as state, answer
from millrace_data.command where id = any($1::int8[]) and state > 1`,
    values: [ids],
  })
}
