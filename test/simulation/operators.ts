/** People who settle what is in doubt, and give dead letters another chance or none. */
import type { Command } from '../../src/coordinator/ports.ts'
import { lettersOf } from './letters.ts'
import { engine } from './member.ts'
import { placeOfRow } from './place.ts'
import type { World } from './world.ts'

export function startOperators(world: World, untilUs: number): void {
  const { schedule } = world
  const next = () => {
    schedule.after(schedule.random.exponential(3_000_000), '', () => {
      if (schedule.nowUs >= untilUs) return
      actOnce(world)
      next()
    })
  }
  next()
}

function actOnce(world: World): void {
  acts[world.schedule.random.weighted<keyof typeof weights>(weights)](world)
}

const weights = { settle: 4, letter: 4, cancel: 2, again: 3, pause: 2 }

const acts = { settle, letter, cancel, again, pause } as const

function settle(world: World): void {
  const doubtful = inDoubt(world)
  if (doubtful.length > 0) resolve(world, world.schedule.random.pick(doubtful))
}

function letter(world: World): void {
  const { random } = world.schedule
  const letters = lettersOf(world.server.tables)
  if (letters.length === 0) return
  const one = random.pick(letters)
  const kind = random.chance(0.7) ? 'redrive' : 'discard'
  const data = { n: 0, key: 'k0', same: 'x', skip: [], list: ['0-0', '0-1'], pair: ['a', 'b'], none: [] }
  const value = random.chance(0.5) ? Buffer.from(JSON.stringify(data)).toString('base64') : undefined
  ask(world, one.laneId, kind, one.id, JSON.stringify(value === undefined || kind === 'discard' ? {} : { value }))
}

/** Whatever state it is in. */
function cancel(world: World): void {
  const { random } = world.schedule
  const { tables } = world.server
  const open = tables.lanes.flatMap((lane) => [...lane.open])
  const id = random.pick(random.chance(0.9) && open.length > 0 ? open : [...tables.transactions.keys(), 'nobody'])
  askOf(world, 'cancel', id, '{}')
}

/** What has failed is tried again or undone; so is what has not. */
function again(world: World): void {
  const { random } = world.schedule
  const { tables } = world.server
  const failed = [...tables.endings.values()].filter(({ state }) => state !== 'completed')
  const any =
    random.chance(0.8) && failed.length > 0 ? failed.map((row) => row.transactionId) : [...tables.endings.keys()]
  if (any.length === 0) return
  const id = random.pick(any)
  const row = tables.transactions.get(id)
  if (!row) return
  const step = random.pick(tables.planOf(row).body)
  const from = random.chance(0.5) ? { from: step.id } : {}
  const { n } = JSON.parse(row.envelope).data
  const input = random.chance(0.2) ? { input: { n, byHand: true } } : {}
  if (random.chance(0.6)) askOf(world, 'retry', id, JSON.stringify({ ...from, ...input }))
  else askOf(world, 'compensate', id, '{}')
}

/** For a while; or somebody forgets it. */
function pause(world: World): void {
  const { schedule, server, setting, producer } = world
  const { random } = schedule
  const { name: workflow } = random.pick(setting.plans)
  const key = random.chance(0.5) ? random.pick(producer.keys) : null
  const one = { engine, workflow, key }
  schedule.tell(`${workflow} ${key ?? ''} is paused`)
  server.tables.pauses.push(one)
  schedule.after(random.between(100_000, 6_000_000), `${workflow} ${key ?? ''} is resumed`, () => {
    server.tables.pauses = server.tables.pauses.filter((each) => each !== one)
  })
}

function askOf(world: World, kind: Command['kind'], id: string, args: string): void {
  const { tables } = world.server
  const laneId = tables.transactions.get(id)?.laneId ?? tables.lanes[0]?.laneId
  if (laneId !== undefined) ask(world, laneId, kind, id, args)
}

export function inDoubt({ server }: World): string[] {
  const { tables } = server
  return tables.lanes.flatMap((lane) => [...lane.open].filter((id) => tables.isInDoubt(id)))
}

export function resolve(world: World, id: string): void {
  const { tables } = world.server
  const { random } = world.schedule
  const row = tables.transactions.get(id)
  const attempt = tables.attemptsOf(id).findLast((each) => tables.isDoubtful(each))
  if (!row || !attempt) return
  const { id: stepId, item } = placeOfRow(tables.planOf(row), attempt)
  const step = item === '' ? stepId : `${stepId}[${item}]`
  const outcome = random.chance(0.6) ? { outcome: 'ok', output: { answer: 'by hand' } } : { outcome: 'fail' }
  ask(world, row.laneId, 'resolve', id, JSON.stringify({ step, ...outcome }))
}

function ask(world: World, laneId: number, kind: Command['kind'], target: string, args: string): void {
  const why = world.schedule.random.chance(0.5) ? 'looked at the book' : null
  const id = world.server.tables.commands.ask({ laneId, kind, target, args, askedBy: 'operator', why })
  if (id !== null) world.schedule.tell(`command ${id}: ${kind} ${target} ${args}`)
}
