/** People who settle what is in doubt, and give dead letters another chance or none. */
import { lettersOf } from './letters.ts'
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
  const { random } = world.schedule
  if (random.chance(0.5)) {
    const doubtful = inDoubt(world)
    if (doubtful.length > 0) resolve(world, random.pick(doubtful))
    return
  }
  const letters = lettersOf(world.server.tables)
  if (letters.length === 0) return
  const letter = random.pick(letters)
  const kind = random.chance(0.7) ? 'redrive' : 'discard'
  const value = random.chance(0.5)
    ? Buffer.from('{"n":0,"key":"k0","same":"x","skip":[]}').toString('base64')
    : undefined
  ask(world, letter.laneId, kind, letter.id, JSON.stringify(value === undefined || kind === 'discard' ? {} : { value }))
}

export function inDoubt({ server }: World): string[] {
  const { tables } = server
  return tables.lanes.flatMap((lane) => [...lane.open].filter((id) => tables.isInDoubt(id)))
}

export function resolve(world: World, id: string): void {
  const { tables } = world.server
  const { random } = world.schedule
  const row = tables.transactions.get(id)
  const attempt = tables.attemptsOf(id).findLast((each) => each.stepState === 'in_doubt')
  if (!row || !attempt) return
  const step = tables.planOf(row).steps[attempt.step]?.id
  const outcome = random.chance(0.6) ? { outcome: 'ok', output: { answer: 'by hand' } } : { outcome: 'fail' }
  ask(world, row.laneId, 'resolve', id, JSON.stringify({ step, ...outcome }))
}

function ask(
  world: World,
  laneId: number,
  kind: 'resolve' | 'redrive' | 'discard',
  target: string,
  args: string,
): void {
  const why = world.schedule.random.chance(0.5) ? 'looked at the book' : null
  const id = world.server.tables.commands.ask({ laneId, kind, target, args, askedBy: 'operator', why })
  if (id !== null) world.schedule.tell(`command ${id}: ${kind} ${target} ${args}`)
}
