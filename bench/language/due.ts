/** Ten thousand that fall due within one second: how long after it the last of them has done what was left of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row } from '../growth/row.ts'
import { held } from '../verdict.ts'
import { topicOf } from './project.ts'
import { cpuLine, Stage } from './stage.ts'

const laterMsMax = 5000
/** To take them all in before they are due. */
const beforeMs = 30_000

export const due: Row = {
  name: 'due',
  about: '10,000 that sleep and fall due within one second (--events): all of them woken and done, with a step behind.',
  async run({ ground, events, tell, profileDir }) {
    const count = events ?? 10_000
    await using stage = await Stage.open(ground, `bench_${Date.now().toString(36)}_due`, false)
    await ground.preload(topicOf(stage.name), { bytes: 300, keys: count }, count)
    const untilMs = Date.now() + beforeMs
    const running = await stage.start({ untilMs, which: ['sleeper'] }, { profileDir })
    tell('due: they fall asleep')
    await stage.untilCount('all to sleep', 'millrace_data.rest', count, beforeMs)
    const asleepMs = Date.now()
    if (asleepMs > untilMs) throw new Error(`${count} did not fall asleep within ${beforeMs} ms`)
    const memoryMb = running.coordinatorMb()
    tell('due: they sleep')
    await sleep(untilMs - Date.now() - 500)
    const before = stage.cpu()
    await stage.untilCount('all to end', 'millrace_data.ending', count, 120_000)
    const after = stage.cpu()
    await sleep(1000) // the return of the last commit is written
    const { rows } = await stage.db.query(
      `select extract(epoch from max(c.returned_at)) * 1000 - $1::float8 - 999 as later,
              percentile_cont(array[0.5, 0.99]) within group (
                order by extract(epoch from c.returned_at - a.eligible_at) * 1000)::float8[] as behind
       from millrace_data.ending e
       join millrace_data.commit c on c.id = e.commit_id
       join millrace_data.attempt a on a.transaction_id = e.transaction_id and a.step = 2`,
      [untilMs],
    )
    const [{ later, behind }] = rows
    return {
      ...held('due, ms after the second', Number(later), laterMsMax, (ms) => ms.toFixed(0)),
      more: [
        cpuLine(before, after, count),
        `${count.toLocaleString('en-US')} of them; the step behind, ms from its turn to its end: p50 ${behind[0].toFixed(0)}, p99 ${behind[1].toFixed(0)}`,
        `coordinator while they sleep: ${memoryMb.toFixed(0)} MiB`,
      ],
    }
  },
}
