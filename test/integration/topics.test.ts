/**
 * Where reading begins and what there is to read: `from`, topics and partitions that appear later, a workflow added to
 * a topic that is read already, and offsets that hold no record any more, or never did.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Producer } from 'kafkajs'
import { until } from '../../src/base/poll.ts'
import { assertAccounted, heldSpans } from '../support/accounted.ts'
import { freshAdmin, freshProducer } from '../support/kafka.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, unique } from '../support/servers.ts'

const names = {
  latest: unique('latest'),
  both: unique('both'),
  since: unique('since'),
  grown: unique('grown'),
  aborted: unique('aborted'),
  gone: unique('gone'),
  stamped: unique('stamped'),
}
const hourMs = 3_600_000
/** Kafka keeps a week, so it must not be long ago. */
const hoursAgo = Date.now() - 5 * hourMs

const scene = await freshScene({
  'latest.yaml': workflow('latest', `{ topic: ${names.latest}, from: latest }`),
  'both-early.yaml': workflow('both_early', names.both),
  'both-late.yaml': workflow('both_late', `{ topic: ${names.both}, from: latest }`),
  'since.yaml': workflow('since', `{ topic: ${names.since}, from: ${new Date(hoursAgo + hourMs).toISOString()} }`),
  'grown.yaml': workflow('grown', `{ topic: ${names.grown}, from: latest }`),
  'aborted.yaml': workflow('aborted', names.aborted),
  'gone.yaml': workflow('gone', names.gone),
  'stamped.yaml': workflow('stamped', names.stamped),
  'functions/note.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => input })`,
})
const admin = await freshAdmin()
for (const name of ['latest', 'both', 'since'] as const) await freshTopic(2, names[name])
await freshTopic(1, names.gone)
await freshTopic(1, names.aborted)
const { producer } = await freshTopic(1, names.stamped)
await admin.alterConfigs({
  validateOnly: false,
  resources: [
    {
      type: 2, // a topic
      name: names.stamped,
      configEntries: [{ name: 'message.timestamp.after.max.ms', value: String(2n ** 63n - 1n) }],
    },
  ],
})
await publish(producer, names.latest, ['old', 'old', 'old'])
await publish(producer, names.both, ['old', 'old', 'old'])
await publish(producer, names.since, ['old', 'new', 'new'], (at) => hoursAgo + at * 2 * hourMs)
await publish(producer, names.gone, ['first'])
let coordinator = scene.start()

test('a topic that does not exist yet is waited for, and says so', async () => {
  await until('a message', () => coordinator.logs().includes(`does not have yet: ${names.grown}`), { forMs: 10_000 })
  await freshTopic(1, names.grown)
  await scene.opened(10, 15_000)
  await publish(producer, names.grown, ['made'])
  await scene.ended(1, { workflow: 'grown' })
})

test('from latest, nothing old is read, and what comes later is', async () => {
  await publish(producer, names.latest, ['new'])
  await scene.ended(2, { workflow: 'latest' })
  assert.deepEqual(await read('latest'), ['new', 'new'])
})

test('from a time, what is older is not read', async () => {
  await scene.ended(4, { workflow: 'since' })
  assert.deepEqual(await read('since'), ['new', 'new', 'new', 'new'])
})

test('of two workflows on a topic each begins where it says', async () => {
  await publish(producer, names.both, ['new'])
  await scene.ended(2, { workflow: 'both_late' })
  await scene.ended(8, { workflow: 'both_early' })
  assert.deepEqual(await read('both_late'), ['new', 'new'])
  await assertAccounted(scene.ledger, names.both, ['both_early', 'both_late'], await heldSpans(admin, names.both))
})

test('partitions added later are read from their beginning, whatever `from` says', async () => {
  await admin.createPartitions({ topicPartitions: [{ topic: names.grown, count: 3 }] })
  // A producer drops what is for partitions it has not heard of: one that has is needed.
  const informed = await freshProducer()
  await until('leaders', async () => (await leaders(names.grown)) === 3, { forMs: 10_000 })
  await publishTo(informed, names.grown, [1, 2], ['added'])
  await scene.until(
    'the new partitions to be read',
    `select count(distinct kafka_partition) = 2 from millrace.transactions where workflow = 'grown' and kafka_partition > 0`,
    12_000,
  )
  await assertAccounted(scene.ledger, names.grown, ['grown'], await heldSpans(admin, names.grown))
})

test('what an aborted transaction left behind is passed as absent', async () => {
  const transactional = await freshProducer(unique('transactional'))
  for (const commits of [true, false, true]) {
    const transaction = await transactional.transaction()
    const messages = ['a', 'b'].map((n) => ({ value: JSON.stringify({ n: `${n} ${commits}` }) }))
    await transaction.send({ topic: names.aborted, messages })
    await (commits ? transaction.commit() : transaction.abort())
  }
  // A commit's marker is written after the commit is answered; behind the last record it would be accounted for by none.
  await sleep(500)
  await publish(producer, names.aborted, ['last'])
  await scene.ended(5, { workflow: 'aborted' })
  assert.deepEqual(await read('aborted'), ['a true', 'a true', 'b true', 'b true', 'last'])
  await assertAccounted(scene.ledger, names.aborted, ['aborted'], await heldSpans(admin, names.aborted))
})

test('a stamp that is no time harms nothing', async () => {
  const stamps = [String(2n ** 63n - 1n), '8640000000000001', '8640000000000000', '253402300800000', '1']
  for (const timestamp of stamps) {
    const headers = {
      ce_specversion: '1.0',
      ce_id: timestamp,
      ce_type: 't',
      ce_source: 's',
      ce_time: '2026-11-23T08:00:00Z',
    }
    const value = JSON.stringify({ n: timestamp })
    await producer.send({
      topic: names.stamped,
      messages: [
        { value, timestamp },
        { value, timestamp, headers },
      ],
    })
  }
  await scene.ended(2 * stamps.length, { workflow: 'stamped' })
  await assertAccounted(scene.ledger, names.stamped, ['stamped'], await heldSpans(admin, names.stamped))
})

test('a workflow added to a topic that is read begins at the next offset; what Kafka lost is a gap, and loud', async () => {
  await scene.ended(1, { workflow: 'gone' })
  const [next] = await scene.ledger.query<{ next: number }>(
    'select sum(next_offset)::int as next from millrace.lanes where topic = $1',
    [names.latest],
  )
  await terminate(coordinator)
  await writeFile(join(scene.dir, 'added.yaml'), workflow('added', names.latest))
  await publish(producer, names.gone, ['lost', 'lost', 'lost', 'kept'])
  await admin.deleteTopicRecords({ topic: names.gone, partitions: [{ partition: 0, offset: '4' }] })
  await publish(producer, names.latest, ['more'])
  coordinator = scene.start()
  await scene.ended(2, { workflow: 'added' })
  assert.deepEqual(await read('added'), ['more', 'more'])
  const ends = (await heldSpans(admin, names.latest)).reduce((sum, span) => sum + span.to, 0)
  assert.equal(ends, (next?.next ?? 0) + 2)

  await scene.ended(2, { workflow: 'gone' })
  assert.deepEqual(await read('gone'), ['first', 'kept'])
  await assertAccounted(scene.ledger, names.gone, ['gone'], [{ partition: 0, from: 0, to: 5 }])
  assert.match(coordinator.logs(), /"level":"error".*offsets 1 to 3 of \S+ are not there to be read/)
})

test('a topic that was deleted and made again is read as another one, and loud', async () => {
  await admin.deleteTopics({ topics: [names.gone] })
  await until('the topic to be gone', async () => !(await admin.listTopics()).includes(names.gone), { forMs: 10_000 })
  await admin.createTopics({ topics: [{ topic: names.gone, numPartitions: 1 }], waitForLeaders: true })
  await publish(producer, names.gone, ['another first'])
  await scene.ended(3, { workflow: 'gone' })
  assert.match(coordinator.logs(), new RegExp(`"level":"error".*topic ${names.gone} was deleted and made again`))
  assert.deepEqual(await read('gone'), ['another first', 'first', 'kept'])
  await publish(producer, names.latest, ['still'])
  await scene.ended(4, { workflow: 'added' })
  await terminate(coordinator)
})

/** To every partition alike. */
async function publish(
  to: Producer,
  topic: string,
  texts: readonly string[],
  timestampOf: (at: number) => number = Date.now,
): Promise<void> {
  const partitions = (await admin.fetchTopicOffsets(topic)).map((each) => each.partition)
  await publishTo(to, topic, partitions, texts, timestampOf)
}

async function publishTo(
  to: Producer,
  topic: string,
  partitions: readonly number[],
  texts: readonly string[],
  timestampOf: (at: number) => number = Date.now,
): Promise<void> {
  const messages = partitions.flatMap((partition) =>
    texts.map((n, at) => ({ partition, value: JSON.stringify({ n }), timestamp: String(timestampOf(at)) })),
  )
  const written = await to.send({ topic, messages })
  assert.equal(written.length, partitions.length, 'the producer has not heard of every partition')
}

async function leaders(topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  return topics.flatMap((each) => each.partitions).filter((each) => each.leader >= 0).length
}

async function read(name: string): Promise<string[]> {
  const rows = await scene.ledger.query<{ n: string }>(
    `select event -> 'data' ->> 'n' as n from millrace.transactions where workflow = $1 order by 1`,
    [name],
  )
  return rows.map((row) => row.n)
}

function workflow(name: string, kafka: string): string {
  return `
name: ${name}
on: { kafka: ${kafka} }
steps:
  - { id: note, uses: note, with: { time: '\${{ event.time }}' } }
`
}
