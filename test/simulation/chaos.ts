/** The faults of the world, one a time: each says whom it met, and ends by itself. */
import type { WorldFault } from './coverage.ts'
import type { Member } from './member.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

export function startChaos(world: World, untilUs: number): void {
  const { schedule, setting } = world
  if (Object.keys(setting.faults).length === 0) return
  const next = () => {
    schedule.after(schedule.random.exponential(setting.faultEveryUs), '', () => {
      if (schedule.nowUs >= untilUs) return
      strike(world, schedule.random.weighted<WorldFault>(setting.faults))
      next()
    })
  }
  next()
}

function strike(world: World, fault: WorldFault): void {
  const act = acts[fault]
  const { random } = world.schedule
  if (act.kind === 'one') {
    const standing = world.living.filter(({ process, stopping }) => !process.paused && !stopping)
    if (standing.length === 0) return
    const member = random.pick(standing)
    world.schedule.tell(`${fault}: ${member.process.name}`)
    world.note(fault, member)
    act.strike(world, member)
  } else {
    if (act.unless?.(world)) return
    world.schedule.tell(fault)
    world.note(fault)
    act.strike(world)
  }
}

type Act =
  | { readonly kind: 'one'; readonly strike: (world: World, member: Member) => void }
  | { readonly kind: 'all'; readonly unless?: (world: World) => boolean; readonly strike: (world: World) => void }

const acts: Readonly<Record<WorldFault, Act>> = {
  kill: { kind: 'one', strike: (_, member) => member.kill() },
  stop: {
    kind: 'one',
    strike: (world, member) => void member.stop(world.schedule.random.pick([0, 500, 5000])),
  },
  pause: { kind: 'one', strike: pause },
  'clock ahead': { kind: 'one', strike: (world, { process }) => shift(world, process, 1, 300) },
  'clock back': { kind: 'one', strike: (world, { process }) => shift(world, process, -20, -1) },
  'Postgres down': { kind: 'all', unless: (world) => !world.server.up, strike: postgresDown },
  'Kafka down': { kind: 'all', unless: (world) => !world.broker.up, strike: kafkaDown },
  'cut off from Kafka': { kind: 'one', strike: cutOff },
  rebalance: { kind: 'all', strike: ({ broker }) => broker.group.rebalance(broker.partitions, true) },
  'partition added': {
    kind: 'all',
    unless: (world) => world.broker.partitions.length >= 6,
    strike: (world) => world.broker.addPartition(world.schedule.random.pick(world.setting.topics).name),
  },
  'topic re-created': { kind: 'all', unless: (world) => world.broker.everyTopic.size >= 5, strike: recreate },
  retention: { kind: 'all', strike: retain },
  compaction: { kind: 'all', strike: compact },
  'offsets reset': { kind: 'all', strike: ({ broker }) => broker.group.offsets.clear() },
  'topic of messages missing': { kind: 'all', unless: (world) => world.outlet.missing !== null, strike: missTopic },
  'registry down': { kind: 'all', unless: (world) => !world.registry.up, strike: registryDown },
  redelivery: { kind: 'all', strike: () => undefined },
  'out of the group': { kind: 'all', strike: () => undefined },
}

/** In seconds; no further ahead than a retry may wait when another clock judges it. */
function shift({ schedule }: World, process: Process, from: number, to: number): void {
  process.skewUs = Math.min(process.skewUs + schedule.random.between(from, to) * 1_000_000, aheadUsMax)
}

const aheadUsMax = 200_000_000

function pause(world: World, { process }: Member): void {
  process.pause()
  world.schedule.after(world.schedule.random.between(200_000, 15_000_000), `${process.name} goes on`, () =>
    process.resume(),
  )
}

function postgresDown({ schedule, server }: World): void {
  server.crash()
  schedule.after(schedule.random.between(100_000, 8_000_000), 'Postgres is back', () => server.recover())
}

function kafkaDown({ schedule, broker }: World): void {
  broker.crash()
  schedule.after(schedule.random.between(100_000, 8_000_000), 'Kafka is back', () => broker.recover())
}

function cutOff({ schedule, broker }: World, member: Member): void {
  member.intake.cutOff = true
  schedule.after(schedule.random.between(100_000, 12_000_000), `${member.process.name} reaches Kafka again`, () => {
    member.intake.cutOff = false
    broker.wakeReaders()
  })
}

function recreate({ schedule, broker, setting }: World): void {
  const { name } = schedule.random.pick(setting.topics)
  broker.create(name, Math.max(1, broker.topic(name).logs.length + schedule.random.between(-1, 1)))
  broker.group.rebalance(broker.partitions)
  broker.wakeReaders()
}

function missTopic({ schedule, outlet }: World): void {
  outlet.missing = schedule.random.pick(['letters', 'told'])
  schedule.after(schedule.random.between(100_000, 8_000_000), 'the topic is made', () => {
    outlet.missing = null
  })
}

function registryDown({ schedule, registry }: World): void {
  registry.up = false
  schedule.after(schedule.random.between(100_000, 40_000_000), 'the registry is back', () => {
    registry.up = true
  })
}

function retain({ schedule, broker, setting }: World): void {
  const { logs } = broker.topic(schedule.random.pick(setting.topics).name)
  const log = schedule.random.pick(logs)
  log.retain(schedule.random.between(log.earliest, log.latest))
}

function compact({ schedule, broker, setting }: World): void {
  const { random } = schedule
  const { logs } = broker.topic(random.pick(setting.topics).name)
  const log = random.pick(logs)
  for (let offset = log.earliest; offset < log.latest - 1; offset++) if (random.chance(0.3)) log.compact(offset)
}
