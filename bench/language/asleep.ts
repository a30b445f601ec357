/** A million that rest: how long a coordinator takes to start with them, what they cost it, and what all others feel. */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../src/base/poll.ts'
import { median } from '../compare.ts'
import { type Room, type Row, slower } from '../growth/row.ts'
import { watch } from '../idle.ts'
import { load } from '../parts.ts'
import { held } from '../verdict.ts'
import { openMillion } from './million.ts'
import { signalsOf } from './project.ts'
import { lanesOfAll, Stage } from './stage.ts'

const memoryMbMax = 400
const startMsMax = 5000
const many = (count: number) => count.toLocaleString('en-US')

export const start: Row = {
  name: 'start',
  about: 'A million that sleep or wait (--rows): from the process to all lanes open and a first new event done.',
  async run(room) {
    await using stage = await openMillion(room.ground, room.rows, room.tell)
    const rounds = room.rounds ?? 5
    const full: Started[] = []
    const empty: Started[] = []
    for (let round = 1; round <= rounds; round++) {
      room.tell(`start, ${round} of ${rounds}`)
      await using other = await Stage.open(room.ground, `bench_${Date.now().toString(36)}_${round}`, false)
      await startOf(other) // so that both have had it all before
      empty.push(await startOf(other))
      full.push(await startOf(stage))
    }
    const all = (of: (each: Started) => number, from: readonly Started[]) =>
      from.map((each) => (of(each) / 1000).toFixed(2)).join(' ')
    return {
      ...held('start, ms', median(full.map(({ doneMs }) => doneMs)), startMsMax, (ms) => ms.toFixed(0)),
      more: [
        `${many(await stage.resting())} rest; s to all lanes open: ${all((each) => each.openMs, full)}; without: ${all((each) => each.openMs, empty)}`,
        `s to the first new event done: ${all((each) => each.doneMs, full)}; without: ${all((each) => each.doneMs, empty)}`,
      ],
    }
  },
}

interface Started {
  readonly openMs: number
  readonly doneMs: number
}

/** It has an event to find; then it goes. */
async function startOf(stage: Stage): Promise<Started> {
  const { ground, name } = stage
  const before = await stage.count('millrace_data.ending')
  await ground.preload(name, { bytes: 300, keys: 1 }, 1)
  const fromMs = performance.now()
  const running = await stage.start()
  let openMs = 0
  const isDone = async () => {
    running.check()
    const { ready, lanes } = (await running.health()) ?? { ready: false, lanes: 0 }
    if (openMs === 0 && ready && lanes >= lanesOfAll) openMs = performance.now() - fromMs
    return openMs > 0 && (await stage.count('millrace_data.ending')) > before
  }
  await until('all lanes to be open and an event to be done', isDone, { forMs: 120_000, everyMs: 10 })
  const doneMs = performance.now() - fromMs
  await stage.stop()
  return { openMs, doneMs }
}

export const memory: Row = {
  name: 'memory',
  about:
    'The same: what a coordinator has resident at most while it starts, wakes some of them, and ten signs of life.',
  async run(room) {
    await using stage = await openMillion(room.ground, room.rows, room.tell)
    const woken = 100
    const before = await stage.count('millrace_data.ending')
    await stage.ground.preload(signalsOf(stage.name), { bytes: 300, keys: woken }, woken)
    const running = await stage.start()
    let coordinatorMb = 0
    let allMb = 0
    const isDone = async () => {
      running.check()
      coordinatorMb = Math.max(coordinatorMb, running.coordinatorMb())
      allMb = Math.max(allMb, running.residentMb())
      return (await stage.count('millrace_data.ending')) >= before + woken / 2
    }
    await until('the woken ones to end', isDone, { forMs: 120_000, everyMs: 50 })
    for (const untilMs = Date.now() + 20_000; Date.now() < untilMs; await sleep(100)) await isDone()
    return {
      ...held('memory, MiB', coordinatorMb, memoryMbMax, (mb) => mb.toFixed(0)),
      more: [`${many(await stage.resting())} rest; with the worker processes ${allMb.toFixed(0)} MiB`],
    }
  },
}

export const beside: Row = {
  name: 'beside',
  about: 'The same: the drain of a chain of five steps on the coordinator that has them, against one that has none.',
  async run(room) {
    await using stage = await openMillion(room.ground, room.rows, room.tell)
    const same = { load: load(room.events ?? 40_000) }
    const files = (dir: string) => stage.files(dir)
    const { name } = stage
    return slower(room, 'beside', 10, { ...same, extras: { database: name, engine: name, files } }, same)
  },
}

export const idle: Row = {
  name: 'idle',
  about: 'The same: what it costs while nothing happens.',
  async run(room: Room) {
    await using stage = await openMillion(room.ground, room.rows, room.tell)
    const running = await stage.start()
    await until('the engine to be ready', async () => (await running.health())?.ready === true, { forMs: 60_000 })
    room.tell('idle: what it did is counted')
    await sleep(15_000)
    room.tell('idle: nothing happens')
    const rows = await watch(room.ground, stage.name, { running }, 20)
    const [queries, ...others] = rows
    if (!queries) throw new TypeError('nothing was watched')
    return {
      ...queries,
      row: `idle, ${queries.row}`,
      more: others.map(({ row, measured }) => `${row}: ${measured}`),
    }
  },
}
