/** One seed's run: a time of faults, then calm, in which all that is left must end. */
import { topicsReadBy } from '../../src/workflow/uses.ts'
import { startChaos } from './chaos.ts'
import { answerUsMax } from './ledger/link.ts'
import type { StoredLane } from './ledger/tables.ts'
import { inDoubt, resolve, startOperators } from './operators.ts'
import { Broken, holds } from './oracle/verdict.ts'
import { Random } from './random.ts'
import { Schedule } from './schedule.ts'
import { calm, settingOf } from './setting.ts'
import { Trace } from './trace.ts'
import { World } from './world.ts'

export interface Outcome {
  readonly seed: number
  readonly hash: string
  /** Null: all promises were kept. */
  readonly failure: { readonly promise: string; readonly message: string } | null
  readonly steps: number
  readonly transactions: number
  readonly simulatedMs: number
  readonly met: ReadonlyMap<string, number>
}

/** What was sent before the last fault was over may land so much later, and is heard of with the next sign of life. */
const lateUs = answerUsMax * 4
/** After the last fault everything must end within this. */
const quietUs = 3_000_000_000

export async function run(seed: number, print: ((line: string) => void) | null = null): Promise<Outcome> {
  const random = new Random(seed)
  const schedule = new Schedule(random, new Trace(print))
  const world = new World(schedule, settingOf(random))
  if (print) for (const plan of world.plans) print(plan.source)
  const failure = await attempt(world)
  return {
    seed,
    hash: schedule.trace.hash,
    failure,
    steps: schedule.steps,
    transactions: world.server.tables.transactions.size,
    simulatedMs: Math.round(schedule.nowUs / 1000),
    met: world.coverage.met,
  }
}

async function attempt(world: World): Promise<Outcome['failure']> {
  const onStray = (error: unknown) => (world.broken ??= error as Error)
  process.on('unhandledRejection', onStray)
  try {
    await live(world)
    return null
  } catch (error) {
    if (error instanceof Broken) return { promise: error.promise, message: error.message }
    return { promise: 'nothing breaks', message: (error as Error).stack ?? String(error) }
  } finally {
    process.off('unhandledRejection', onStray)
  }
}

async function live(world: World): Promise<void> {
  const { schedule, setting } = world
  world.start()
  startProducers(world)
  startChaos(world, setting.chaosUs)
  startOperators(world, setting.chaosUs)
  await until(world, setting.chaosUs, () => false)
  heal(world)
  const healedUs = schedule.nowUs
  const endUs = healedUs + quietUs
  let looksUs = 0
  let satisfiedUs = 0
  const isOver = () => {
    if (schedule.nowUs < looksUs) return false
    looksUs = schedule.nowUs + 100_000
    if (schedule.nowUs >= satisfiedUs + 2_000_000) {
      satisfiedUs = schedule.nowUs
      world.satisfy()
    }
    const left = leftover(world)
    // Whoever has called one that stands so waits for it, and with that others of its key.
    for (const id of inDoubt(world)) resolve(world, id)
    return left.length === 0 && inDoubt(world).length === 0 && schedule.nowUs > healedUs + lateUs
  }
  await until(world, endUs, isOver)
  for (const {
    process: { name },
    coordinator,
  } of world.living) {
    schedule.trace.explain(schedule.nowUs, () => `${name} ${JSON.stringify(coordinator.stats())}`)
  }
  holds(isEnded(world), 'everything ends', () => [...leftover(world), ...inDoubt(world)].join('; '))
  world.oracle.judgeEnd()
  await stopAll(world)
}

function startProducers(world: World): void {
  const { schedule, setting } = world
  for (let n = 0; n < setting.records; n++) {
    schedule.after(schedule.random.between(0, setting.chaosUs), '', () => world.produce())
  }
}

/** What is told to stop is gone soon, and nobody need wait for its lanes. */
async function stopAll(world: World): Promise<void> {
  const { schedule, server, broker } = world
  world.isReviving = false
  for (const member of world.living) void member.stop(1000)
  await until(world, schedule.nowUs + stopUs, () => world.living.length === 0)
  const still = world.living.map(({ process }) => process.name)
  holds(still.length === 0, 'a stop ends', () => `${still.join(' ')} did not end within ${stopUs / 1e6} s`)
  const isCurrent = ({ topic, incarnation }: StoredLane) => broker.topic(topic).incarnation === incarnation
  const isHeld = ({ session, seenUs, leaseUs }: StoredLane) =>
    session !== null && seenUs + (leaseUs ?? 0) > server.nowUs
  const held = server.tables.lanes.filter((lane) => isCurrent(lane) && isHeld(lane))
  holds(held.length === 0, 'a stop ends', () => `nobody released lanes ${held.map(({ laneId }) => laneId).join(' ')}`)
}

/** The budget for what runs, and what is told on the way out. */
const stopUs = 10_000_000

function isEnded(world: World): boolean {
  return leftover(world).length === 0 && inDoubt(world).length === 0
}

async function until(world: World, untilUs: number, isOver: () => boolean): Promise<void> {
  while (await world.schedule.step(untilUs)) {
    if (world.broken) throw world.broken
    if (isOver()) return
  }
  world.schedule.nowUs = untilUs
}

function heal(world: World): void {
  world.schedule.tell('all faults are over')
  world.weather = calm(world.weather)
  world.outlet.missing = null
  world.registry.up = true
  world.server.tables.pauses = []
  // Places may be so few that those who wait are looked at late.
  if ((world.setting.limits.runningMax ?? 0) > 100) world.oracle.calm(world.server.nowUs)
  if (!world.server.up) world.server.recover()
  if (!world.broker.up) world.broker.recover()
  for (const { process, intake } of world.living) {
    intake.cutOff = false
    if (process.paused) process.resume()
  }
  world.broker.wakeReaders()
}

/** What should have ended and has not: unread records, open transactions that are not in doubt, unanswered commands. */
function leftover({ broker, server, setting, living }: World): string[] {
  const { tables } = server
  const left: string[] = []
  for (const { process, coordinator } of living) {
    const { lanes, assigned } = coordinator.stats()
    if (lanes < assigned) left.push(`${process.name} has ${lanes} lanes open of ${assigned}`)
  }
  const wanted = new Set(setting.plans.flatMap(topicsReadBy))
  for (const { name, incarnation, logs } of broker.topics.values()) {
    if (!wanted.has(name)) continue
    logs.forEach(({ latest }, partition) => {
      const lane = tables.laneOf('simulated', name, incarnation, partition)
      if (lane?.nextOffset !== latest) left.push(`${name}/${partition} is read up to ${lane?.nextOffset} of ${latest}`)
    })
  }
  for (const lane of tables.lanes) {
    for (const id of lane.open) if (!tables.isInDoubt(id)) left.push(`${id} is open in lane ${lane.laneId}`)
    if (lane.publishedSeq < lane.seq)
      left.push(`lane ${lane.laneId} is published up to ${lane.publishedSeq} of ${lane.seq}`)
    for (const { id, kind } of tables.commands.pendingOf(lane.laneId))
      left.push(`command ${id} (${kind}) is pending in lane ${lane.laneId}`)
  }
  return left
}
