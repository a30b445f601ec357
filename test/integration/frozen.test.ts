/**
 * A coordinator is stopped as a debugger or a snapshot of its machine does it, for longer than its session: the other
 * one takes over all its lanes, and woken up it takes its place in the group again by itself.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertAccounted, heldSpans } from '../support/accounted.ts'
import { freshAdmin } from '../support/kafka.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic } from '../support/servers.ts'

test('a coordinator that is stopped past its session and goes on', { timeout: 120_000 }, async () => {
  const topic = await freshTopic(4)
  const scene = await freshScene({
    'frozen.yaml': `
name: frozen
on: { kafka: ${topic.name} }
steps:
  - { id: note, uses: note }
`,
    'functions/note.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: () => ({}) })`,
  })
  const publish = async () => {
    const messages = [0, 1, 2, 3].map((partition) => ({ partition, value: '{}' }))
    await topic.producer.send({ topic: topic.name, messages })
  }
  const coordinators = [scene.start(), scene.start()] as const
  const shared = `select count(*) = 4 and count(distinct owner) = 2 from millrace.lanes`
  await scene.until('both to have lanes', shared)
  await publish()
  await scene.ended(4)

  coordinators[0].signal('SIGSTOP')
  await publish()
  await scene.ended(8, { forMs: 20_000 })
  await sleep(1000)
  coordinators[0].signal('SIGCONT')
  await scene.until('both to have lanes again', shared)
  await publish()
  await scene.ended(12)
  await assertAccounted(scene.ledger, topic.name, ['frozen'], await heldSpans(await freshAdmin(), topic.name))
  for (const each of coordinators) await terminate(each)
  assert.doesNotMatch(coordinators[0].logs(), /"fact":"watchdog"/)
})
