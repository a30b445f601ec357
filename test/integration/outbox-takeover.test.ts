/**
 * The outbox's sessions on a real Kafka, without coordinators around them, so that hundreds of takeovers fit into seconds: a
 * lane's publisher is followed by another at any moment, while the first goes on as a zombie.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/base/clock.ts'
import { until } from '../../src/base/poll.ts'
import { KafkaSessions } from '../../src/outbox/kafka-sessions.ts'
import { defaultLimits } from '../../src/outbox/limits.ts'
import { Publisher } from '../../src/outbox/publisher.ts'
import { subscribe } from '../../src/telemetry/channels.ts'
import { FakeOutboxLedger } from '../outbox/fake-ledger.ts'
import { client } from '../support/kafka.ts'
import { freshReader, text } from '../support/reader.ts'
import { freshTopic, unique } from '../support/servers.ts'

const lanes = [1, 2, 3, 4]
const messages = 2000
const takeovers = 40
const limits = { ...defaultLimits, rowsMax: 5, pauseMs: { first: 10, most: 200 } }

test(`${takeovers} takeovers of each of ${lanes.length} lanes while they publish`, { timeout: 240_000 }, async (t) => {
  const topic = await freshTopic(1)
  const out = await freshTopic(2, unique('out'))
  const reader = await freshReader([out.name])
  const sessions = new KafkaSessions({ engine: unique('engine'), kafka: await client(), sealer: null, limits })
  const ledgers = new Map(lanes.map((laneId) => [laneId, new FakeOutboxLedger()]))
  const publishers: Publisher[] = []
  const broken: Error[] = []
  const refusals: string[] = []
  subscribe('outbox.stalled', ({ reason }) => refusals.push(reason))
  const follow = (laneId: number) => {
    const ledger = ledgers.get(laneId) as FakeOutboxLedger
    const lane = { laneId, epoch: ++ledger.epoch, partition: { topic: topic.name, partition: 0 } }
    const onBroken = (error: Error) => void broken.push(error)
    const publisher = new Publisher(lane, { ledger, sessions, encoder: null, clock: systemClock(), limits, onBroken })
    publishers.push(publisher)
    publisher.wake()
  }
  const run = async (laneId: number) => {
    const ledger = ledgers.get(laneId) as FakeOutboxLedger
    const key = Buffer.from(`lane ${laneId}`)
    for (let n = 0; n < messages; n++) ledger.write({ id: unique(`lane ${laneId}`), topic: out.name, key })
    for (let turn = 0; turn < takeovers; turn++) {
      const from = ledger.publishedSeq
      follow(laneId)
      const goesOn = async () => ledger.publishedSeq > from || ledger.publishedSeq === messages
      await until(`lane ${laneId} to go on`, goesOn, { forMs: 20_000, everyMs: 1 })
      await sleep(Math.random() * 20)
    }
  }
  await Promise.all(lanes.map(run))
  const all = [...ledgers.values()]
  await until('all to be marked', async () => all.every((each) => each.publishedSeq === each.length), {
    forMs: 60_000,
    everyMs: 20,
  })
  await Promise.all(publishers.map((each) => each.close()))
  await sessions.stop()
  const wanted = all.flatMap((each) => each.ids)
  await reader.until(wanted.length)
  assert.deepEqual(broken, [])
  for (const laneId of lanes) {
    const seen = reader.seen.filter((each) => String(each.key) === `lane ${laneId}`)
    const ids = seen.map((each) => text(each, 'millrace-message-id'))
    assert.deepEqual(ids, ledgers.get(laneId)?.ids, `lane ${laneId}: each once, in order`)
  }
  assert.ok(refusals.length > 0, 'some were followed in the middle of a send')
  t.diagnostic(`${wanted.length} messages, ${refusals.length} sends refused`)
})
