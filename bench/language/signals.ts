/**
 * Ten thousand events at once for as many that wait, with two coordinators: one reads the events, both hold lanes of those
 * who wait.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Room, Row } from '../growth/row.ts'
import { held, type Verdict } from '../verdict.ts'
import { signalsOf, topicOf } from './project.ts'
import { cpuLine, partitions, Stage } from './stage.ts'

const laterMsMax = 5000

export const news: Row = {
  name: 'news',
  about: '10,000 events at once for as many that wait (--events), on two coordinators; whoever waits gets them.',
  run: (room) => burst(room, 'news', 'all'),
}

export const first: Row = {
  name: 'first',
  about: 'The same, of a topic whose events only the first gets who waits: each is claimed.',
  run: (room) => burst(room, 'first', 'first'),
}

async function burst({ ground, events, tell, profileDir }: Room, row: string, take: 'all' | 'first'): Promise<Verdict> {
  const count = events ?? 10_000
  await using stage = await Stage.open(ground, `bench_${Date.now().toString(36)}_${row}`, false)
  const { name } = stage
  await ground.preload(topicOf(name), { bytes: 300, keys: count }, count)
  const running = await stage.start({ take, which: ['waiter'] }, { coordinators: 2, profileDir })
  tell(`${row}: they begin to wait`)
  await stage.untilCount('all to wait', 'millrace_data.rest', count, 60_000)
  await stage.untilCount('two to hold lanes', heldLanes, 2, 60_000)
  await sleep(2000)
  tell(`${row}: the events come`)
  const before = stage.cpu()
  await ground.preload(signalsOf(name), { bytes: 300, keys: count }, count)
  const sentMs = Date.now()
  await stage.untilCount('all to end', 'millrace_data.ending', count, 120_000)
  const after = stage.cpu()
  await sleep(1000) // the return of the last commit is written
  const { rows } = await stage.db.query(
    `select extract(epoch from max(c.returned_at)) * 1000 - $1::float8 as later
     from millrace_data.ending e join millrace_data.commit c on c.id = e.commit_id`,
    [sentMs],
  )
  running.check()
  const owners = await stage.db.query(
    `select owner, count(*) filter (where topic = $1)::int as waiting, count(*) filter (where topic = $2)::int as signals
     from millrace.lanes group by owner order by owner`,
    [topicOf(name), signalsOf(name)],
  )
  return {
    ...held(`${row}, ms after the last event`, Number(rows[0].later), laterMsMax, (ms) => ms.toFixed(0)),
    more: [
      cpuLine(before, after, count),
      ...owners.rows.map(
        (each) =>
          `one coordinator had ${each.waiting} of ${partitions} lanes that wait, and ${each.signals} of the events`,
      ),
    ],
  }
}

const heldLanes = `(select distinct owner from millrace.lanes where topic like '%.rest') owners`
