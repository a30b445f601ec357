/**
 * Many that rest, on two coordinators: some sleep and fall due at once, others wait for an event that comes at once for all of
 * them, by a topic that only one of the two reads. Each is woken, by what was for it, and once.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshScene } from '../support/scene.ts'
import { freshTopic, unique } from '../support/servers.ts'

const count = 600

test('those that fall due at once and those whose event comes are all woken, each once', async () => {
  const { name: topic, producer } = await freshTopic(4)
  const signals = unique('signals')
  await freshTopic(1, signals)
  const scene = await freshScene({
    'sleeper.yaml': `
name: sleeper
on: { kafka: ${topic} }
key: event.data.key
steps:
  - { id: nap, sleep: { until: event.data.until } }
  - { id: after, uses: echo, with: { key: '\${{ event.data.key }}' } }`,
    'waiter.yaml': `
name: waiter
on: { kafka: ${topic} }
key: event.data.key
signals: { ${signals}: { key: event.data.key, take: first } }
steps:
  - { id: before, uses: echo, with: { key: '\${{ event.data.key }}' } }
  - { id: news, wait: { topic: ${signals}, key: steps.before.output.key, timeout: 5m } }
  - { id: after, uses: echo, with: { key: '\${{ steps.news.output.data.key }}' } }`,
    'functions/echo.ts': `
import { defineFunction, z } from 'millrace'
export default defineFunction({ input: z.object({ key: z.string() }), run: ({ input }) => input })`,
  })
  scene.start()
  scene.start()
  await scene.opened(5)
  const [lanes] = await scene.ledger.query(
    `select bool_and(low_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff') as fresh from millrace_data.lane_progress`,
  )
  assert.equal(lanes?.fresh, true, 'who opens a lane that has taken in nothing looks through no history')

  const until = new Date(Date.now() + 12_000).toISOString()
  const values = Array.from({ length: count }, (_, n) => JSON.stringify({ key: `k${n}`, until }))
  const messages = (some: readonly string[]) => some.map((value) => ({ key: JSON.parse(value).key, value }))
  await producer.send({ topic, messages: messages(values) })
  await scene.until(
    'all to wait',
    `select count(*) >= ${count} from millrace_data.rest where topic is not null and is_alone`,
    60_000,
  )
  // Twice each: whoever waits takes one, and the other is left.
  await producer.send({ topic: signals, messages: messages([...values, ...values]) })
  await scene.ended(2 * count, { forMs: 60_000 })

  const woken = await scene.ledger.query(`
    select t.workflow, count(*)::int as done, count(distinct s.output->>'key')::int as keys,
           count(*) filter (where s.output->>'key' = t.key and s.attempts = 1)::int as own
    from millrace.transactions t join millrace.steps s on s.transaction_id = t.id and s.step = 'after'
    where t.state = 'completed' group by t.workflow order by t.workflow`)
  const all = { done: count, keys: count, own: count }
  assert.deepEqual(woken, [
    { workflow: 'sleeper', ...all },
    { workflow: 'waiter', ...all },
  ])
  const [left] = await scene.ledger.query(`
    select (select count(*)::int from millrace_data.rest) as rests, (select count(*)::int from millrace_data.taken) as taken,
           (select count(*)::int from millrace_data.taken where commit_id is null) as claimed,
           (select count(*)::int from millrace_data.signal) as signals`)
  assert.deepEqual(left, { rests: 0, taken: count, claimed: 0, signals: 2 * count })
})
