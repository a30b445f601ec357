/** Coordinators of one engine share its partitions; one that is asked to stop hands over at once and loses nothing. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../src/base/poll.ts'
import { isAlive } from '../../src/local/life.ts'
import { assertAccounted, heldSpans } from '../support/accounted.ts'
import type { RunningCoordinator } from '../support/coordinator.ts'
import { freshAdmin } from '../support/kafka.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic } from '../support/servers.ts'

const drainMs = 4000
const topic = await freshTopic(4)
const scene = await freshScene(
  {
    'work.yaml': `
name: work
on: { kafka: ${topic.name} }
steps:
  - { id: first, uses: work, with: '\${{ event.data }}', timeout: 60s }
  - { id: second, uses: work, with: '\${{ event.data }}' }
`,
    'functions/work.ts': `
import { appendFileSync, readFileSync } from 'node:fs'
import { defineFunction, z } from 'millrace'
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
export default defineFunction({
  input: z.object({ notes: z.string(), hangs: z.boolean() }),
  async run({ input: { notes, hangs }, context: { step, idempotencyKey } }) {
    appendFileSync(notes, step + ' ' + idempotencyKey + ' ' + process.pid + '\\n')
    const again = readFileSync(notes, 'utf8').split(idempotencyKey).length > 2
    await sleep(hangs && step === 'first' && !again ? 60_000 : 150)
    return null
  },
})`,
  },
  { MILLRACE_DRAIN_TIMEOUT: `${drainMs}ms` },
)
let published = 0
const first = scene.start()
const second = scene.start()
await scene.opened(4)
await scene.until('both to have half', sharedBy(first, second))

test('several coordinators share the partitions of a topic, and each event is run once', async () => {
  await publish(80)
  await scene.ended(published)
  await assertOnce()
})

test('a stopped one finishes what it runs, and another takes its partitions over within 2 s', async () => {
  const stop = new AbortController()
  const publishing = (async () => {
    for (; !stop.signal.aborted; await sleep(50)) await publish(4)
  })()
  await sleep(500)
  const tookMs = await terminate(first)
  const from = performance.now()
  await scene.until(
    'the other to have all',
    `select count(*) = 4 from millrace.lanes where owner like '%:${second.pid}'`,
    8000,
  )
  const handoverMs = performance.now() - from
  stop.abort()
  await publishing
  assert.ok(tookMs < drainMs, `took ${tookMs} ms to stop`)
  // The others hear of it with their next heartbeat, every 1.5 s.
  assert.ok(handoverMs < 4000, `took ${handoverMs} ms to hand over`)
  await scene.ended(published)
  await assertOnce()
})

test('a step that hangs delays the end by the drain timeout and no more, and is taken up by the next', async () => {
  await publish(1, true)
  await until('it to hang', () => notes().length === 2 * (published - 1) + 1, { forMs: 10_000 })
  const pid = Number(notes().at(-1)?.split(' ')[2])
  const tookMs = await terminate(second)
  assert.ok(tookMs > drainMs - 100 && tookMs < drainMs + 1500, `took ${tookMs} ms to stop`)
  await until('its process to be gone', () => !isAlive(pid), { forMs: 1000 })
  const third = scene.start()
  await scene.ended(published)
  const rows = await scene.ledger.query(
    `select step, attempt, outcome from millrace.attempts join millrace.transactions t on t.id = transaction_id
     where (event -> 'data' ->> 'hangs')::boolean order by step`,
  )
  assert.deepEqual(rows, [
    { step: 'first', attempt: 1, outcome: 'ok' },
    { step: 'second', attempt: 1, outcome: 'ok' },
  ])
  await terminate(third)
})

test('a second signal does not wait', async () => {
  const coordinator = scene.start()
  await scene.until('its lanes', `select count(*) = 4 from millrace.lanes where owner like '%:${coordinator.pid}'`)
  const before = notes().length
  await publish(1, true)
  await until('it to hang', () => notes().length > before, { forMs: 10_000 })
  coordinator.signal('SIGTERM')
  await sleep(200)
  const from = performance.now()
  coordinator.signal('SIGTERM')
  assert.deepEqual(await coordinator.exited, { code: 143, signal: null })
  assert.ok(performance.now() - from < 1000)
})

async function publish(count: number, hangs = false): Promise<void> {
  const value = JSON.stringify({ notes: join(scene.dir, 'notes.txt'), hangs })
  const messages = Array.from({ length: count }, () => ({ partition: published++ % 4, value }))
  await topic.producer.send({ topic: topic.name, messages })
}

/** Every offset is accounted for, and no step of any was begun twice: nothing was cut off. */
async function assertOnce(): Promise<void> {
  await assertAccounted(scene.ledger, topic.name, ['work'], await heldSpans(await freshAdmin(), topic.name))
  assert.equal(notes().length, 2 * published)
  assert.equal(new Set(notes()).size, 2 * published)
  const outcomes = await scene.ledger.query(
    'select attempt, outcome, count(*)::int as n from millrace.attempts group by 1, 2',
  )
  assert.deepEqual(outcomes, [{ attempt: 1, outcome: 'ok', n: 2 * published }])
}

function notes(): string[] {
  const file = join(scene.dir, 'notes.txt')
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
}

function sharedBy(...coordinators: readonly RunningCoordinator[]): string {
  const halves = coordinators.map((each) => `count(*) filter (where owner like '%:${each.pid}') = 2`)
  return `select ${halves.join(' and ')} from millrace.lanes`
}
