// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/** Publishing under kills and zombies: readers of committed records see every message once, in order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../src/base/poll.ts'
import type { RunningCoordinator } from '../support/coordinator.ts'
import { assertPublished } from '../support/published.ts'
import { freshReader, type Reader } from '../support/reader.ts'
import { freshScene, type Scene, terminate } from '../support/scene.ts'
import { freshTopic, type TestTopic, unique } from '../support/servers.ts'

const keys = 50

const functions = {
  'functions/count.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({
  run({ input, context }) {
    const { out, key, no } = input as { out: string; key: string; no: number }
    context.emit({ topic: out, key, value: { no, kind: 'emitted' } })
    return no
  },
})`,
}

const workflow = (topic: string, out: string) => `
name: count
on: { kafka: ${topic} }
publish:
  completed: { topic: ${out}, key: event.key, value: { no: "\${{ event.data.no }}", kind: completed } }
steps:
  - id: count
    uses: count
    with: { out: ${out}, key: "\${{ event.key }}", no: "\${{ event.data.no }}" }
    publish: { topic: ${out}, key: event.key, value: { no: "\${{ event.data.no }}", kind: step } }
`

interface World {
  readonly scene: Scene
  readonly topic: TestTopic
  readonly reader: Reader
}

async function freshWorld(): Promise<World> {
  const topic = await freshTopic(4)
  const out = await freshTopic(3, unique('out'))
  const scene = await freshScene({ 'count.yaml': workflow(topic.name, out.name), ...functions })
  return { scene, topic, reader: await freshReader([out.name]) }
}

async function send({ topic }: World, from: number, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, at) => ({
    key: `key ${(from + at) % keys}`,
    value: JSON.stringify({ no: from + at }),
  }))
  await topic.producer.send({ topic: topic.name, acks: -1, messages })
}

async function allPublished({ scene, reader }: World, events: number): Promise<void> {
  await scene.ended(events, { forMs: 90_000 })
  await scene.until(
    'all to be published',
    `select count(*) = ${3 * events} and count(*) filter (where state <> 'published') = 0 from millrace.outbox`,
    60_000,
  )
  await reader.until(3 * events)
  await assertPublished(scene, reader.seen)
}

/** Messages of its lanes that are not marked. */
async function pendingOf({ scene }: World, { pid }: RunningCoordinator): Promise<number> {
  const [row] = await scene.ledger.query<{ n: number }>(
    `select count(*)::int as n from millrace.outbox o
     join millrace.lanes l on l.topic = o.lane_topic and l.kafka_partition = o.kafka_partition
     where o.state = 'pending' and l.owner like '%:${pid}'`,
  )
  return row?.n ?? 0
}

/** Waits for one that has something to publish; answers with its place. */
async function busyOne(world: World, coordinators: readonly RunningCoordinator[]): Promise<number> {
  let found = -1
  const look = async () => {
    const pending = await Promise.all(coordinators.map((each) => pendingOf(world, each)))
    found = pending.findIndex((count) => count > 0)
    return found >= 0
  }
  await until('a coordinator to publish', look, { forMs: 30_000, everyMs: 2 })
  return found
}

test('kill -9 in the middle of publishing: nothing is lost, doubled or out of order', {
  timeout: 240_000,
}, async (t) => {
  const world = await freshWorld()
  const { scene } = world
  const [events, kills] = [4000, 6]
  const coordinators: RunningCoordinator[] = [scene.start(), scene.start()]
  await scene.opened(4)
  const sending = (async () => {
    for (let from = 0; from < events; from += 100) {
      await send(world, from, 100)
      await sleep(250)
    }
  })()
  let unmarked = 0
  for (let kill = 0; kill < kills; kill++) {
    await sleep(Math.random() * 500)
    const at = await busyOne(world, coordinators)
    const victim = coordinators[at] as RunningCoordinator
    victim.signal('SIGKILL')
    await victim.exited
    unmarked += (await pendingOf(world, victim)) > 0 ? 1 : 0
    coordinators[at] = scene.start()
  }
  await sending
  await allPublished(world, events)
  t.diagnostic(`${unmarked} of ${kills} kills left messages that were not marked`)
  assert.ok(unmarked > 0, 'some kill came in the middle of publishing')
})

test('a coordinator stopped past its session comes back as a zombie: Kafka and the ledger refuse it', {
  timeout: 180_000,
}, async () => {
  const world = await freshWorld()
  const { scene } = world
  const zombie = scene.start()
  await scene.opened(4)
  await send(world, 0, 500)
  await busyOne(world, [zombie])
  zombie.signal('SIGSTOP')
  assert.ok((await pendingOf(world, zombie)) > 0, 'it was stopped in the middle of publishing')
  const heir = scene.start()
  await send(world, 500, 500)
  const taken = `select bool_and(owner like '%:${heir.pid}') from millrace.lanes`
  await scene.until('the lanes to be taken', taken, 60_000)
  await scene.until('the heir to publish', `select count(*) > 1500 from millrace.outbox where state = 'published'`)
  zombie.signal('SIGCONT')
  await send(world, 1000, 500)
  await allPublished(world, 1500)
  await until('the zombie to see it', async () => /taken over by another/.test(zombie.logs()), { forMs: 20_000 })
  await Promise.all([terminate(zombie), terminate(heir)])
  await assertPublished(scene, world.reader.seen)
})
