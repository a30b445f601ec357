/** Real compaction, which takes its time: what it took is told, and reading gets past it, also at the very end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { Reader } from '../contract/reader.ts'
import { startIntake } from '../support/intake-world.ts'
import { freshAdmin, freshProducer } from '../support/kafka.ts'
import { unique } from '../support/servers.ts'

test('a compacted partition', { timeout: 120_000 }, async () => {
  const admin = await freshAdmin()
  const topic = unique('compacted')
  const configEntries = Object.entries({
    'cleanup.policy': 'compact',
    'segment.ms': '100',
    'min.cleanable.dirty.ratio': '0.01',
    'delete.retention.ms': '0',
  }).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }], waitForLeaders: true })
  const producer = await freshProducer()
  const send = (...keys: string[]) =>
    producer.send({ topic, messages: keys.map((key) => ({ partition: 0, key, value: key })) })
  await send('a', 'b', 'a', 'c', 'a')
  await send('a', 'd', 'd', 'a')
  const reader = new Reader(topic)
  const intake = await startIntake(unique('group'), reader.listener)
  reader.intake = intake
  await intake.setTopics([topic])
  await until('the assignment', () => reader.mine.length === 1, { forMs: 10_000 })
  const rest = async () => {
    // The newest segment is never compacted: a record of its own makes one.
    await send('end')
    const before = reader.told(0).length
    intake.read(reader.at(0), 0)
    await until('the end', () => reader.values(0).at(-1) === 'end', { forMs: 10_000 })
    return { told: reader.told(0).slice(before), missing: reader.missing(0) }
  }
  await until('compaction', async () => (await rest()).missing.length > 0, { forMs: 90_000, everyMs: 3000 })
  const { told } = await rest()
  assert.deepEqual(
    told,
    told.map((_, at) => at),
  )
  assert.ok(reader.missing(0).every((each) => each.endsWith('compacted')))
  for (const from of [1, 3, 4, 5]) {
    const before = reader.told(0).length
    intake.read(reader.at(0), from)
    await until('the end', () => reader.told(0).length > before && reader.values(0).at(-1) === 'end', { forMs: 10_000 })
    assert.equal(reader.told(0)[before], from)
  }
})
