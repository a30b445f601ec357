import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { EngineError } from '../../src/base/error.ts'
import { until } from '../../src/base/poll.ts'
import { defaultLimits } from '../../src/outbox/limits.ts'
import { Publisher } from '../../src/outbox/publisher.ts'
import type { Encoder } from '../../src/outbox/writing.ts'
import { type FactName, type Facts, subscribe } from '../../src/telemetry/channels.ts'
import { FakeBroker } from './fake-broker.ts'
import { FakeOutboxLedger } from './fake-ledger.ts'

const partition = { topic: 'orders', partition: 3 }
const limits = { ...defaultLimits, rowsMax: 8, pauseMs: { first: 1, most: 4 } }

function scene(from: { broker?: FakeBroker; ledger?: FakeOutboxLedger; encoder?: Encoder } = {}) {
  const broker = from.broker ?? new FakeBroker()
  const ledger = from.ledger ?? new FakeOutboxLedger()
  const lane = { laneId: 1, epoch: ledger.epoch, partition }
  const broken: Error[] = []
  const onBroken = (error: Error) => void broken.push(error)
  const { encoder = null } = from
  const publisher = new Publisher(lane, { ledger, sessions: broker, encoder, clock: systemClock(), limits, onBroken })
  const done = async (seq: number) => {
    publisher.wake()
    await until(`message ${seq} to be marked`, async () => ledger.publishedSeq >= seq, { forMs: 2000, everyMs: 1 })
    await publisher.close()
    assert.deepEqual(broken, [])
  }
  return { broker, ledger, lane, publisher, done }
}

/** What is told on a channel from now on. */
function hear<Name extends FactName>(name: Name): Facts[Name][] {
  const heard: Facts[Name][] = []
  subscribe(name, (fact) => heard.push(fact))
  return heard
}

const seqs = (broker: FakeBroker) => broker.log.map(({ seq }) => seq)
const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1)

test('given messages, then they are published in the order of their numbers and marked', async () => {
  const { broker, ledger, done } = scene()
  ledger.write(...upTo(20).map(() => ({})))
  await done(20)
  assert.deepEqual(seqs(broker), upTo(20))
  assert.deepEqual(broker.sends, ['8 sent', '8 sent', '4 sent'])
  assert.deepEqual(ledger.marks, [8, 16, 20])
})

test('given a send of which nobody knows how it ended, then Kafka is asked, and nothing is sent twice', async () => {
  const { broker, ledger, done } = scene()
  ledger.write({}, {}, {})
  broker.faults.push('unknown_landed', 'outage')
  await done(3)
  assert.deepEqual(seqs(broker), [1, 2, 3])
  const again = scene({ broker, ledger })
  ledger.write({})
  broker.faults.push('outage')
  await again.done(4)
  assert.deepEqual(seqs(broker), [1, 2, 3, 4])
})

test('given a predecessor that published and did not mark, then its successor skips what Kafka has', async () => {
  const first = scene()
  first.ledger.write({}, {}, {})
  first.broker.onSend = () => void first.ledger.epoch++
  first.publisher.wake()
  await until('it to be published', async () => first.broker.log.length === 3, { forMs: 2000, everyMs: 1 })
  await first.publisher.close()
  first.broker.onSend = () => undefined
  assert.equal(first.ledger.publishedSeq, 0)
  first.ledger.write({})
  await scene(first).done(4)
  assert.deepEqual(seqs(first.broker), [1, 2, 3, 4])
})

test('given a zombie in the middle of a send, then Kafka refuses it, and it does not come back to fence the owner', async () => {
  const zombie = scene()
  const { broker, ledger } = zombie
  ledger.write({}, {})
  let goOn: () => void = () => undefined
  const stopped = new Promise<void>((resolve) => {
    broker.onSend = () => {
      broker.onSend = () => undefined
      resolve()
      return new Promise<void>((wake) => (goOn = wake))
    }
  })
  zombie.publisher.wake()
  await stopped
  ledger.epoch = 2
  await scene({ broker, ledger }).done(2)
  const opened = broker.opened
  goOn()
  await until('the zombie to be refused', async () => broker.sends.includes('2 fenced'), { forMs: 2000, everyMs: 1 })
  zombie.publisher.wake()
  await new Promise((resolve) => setTimeout(resolve, 30))
  await zombie.publisher.close()
  assert.deepEqual(seqs(broker), [1, 2])
  assert.equal(broker.opened, opened, 'the ledger is asked before Kafka')
})

test('given messages that Kafka will never take, then they alone are passed over, and told', async () => {
  const { broker, ledger, done } = scene()
  const large = { value: Buffer.alloc(200) }
  ledger.write({}, large, {}, {}, {}, large, {}, {}, { error: 'it could not be made' }, {})
  const told = hear('message.refused')
  await done(10)
  assert.deepEqual(seqs(broker), [1, 3, 4, 5, 7, 8, 10])
  assert.equal(ledger.errorOf(2), 'too large')
  assert.equal(ledger.errorOf(6), 'too large')
  assert.deepEqual(
    told.map(({ id, reason }) => `${id}: ${reason}`),
    ['id 2: too large', 'id 6: too large', 'id 9: it could not be made'],
  )
})

test('given a topic that is missing, then those before it go, those behind it wait, and that is told once', async () => {
  const { broker, ledger, publisher } = scene()
  broker.missing.add('later')
  ledger.write({}, {}, { topic: 'later' }, {})
  const [stalled, resumed] = [hear('outbox.stalled'), hear('outbox.resumed')]
  publisher.wake()
  await until('some tries', async () => broker.sends.length > 6, { forMs: 2000, everyMs: 1 })
  assert.deepEqual(seqs(broker), [1, 2])
  assert.equal(publisher.isBusy, false)
  broker.missing.clear()
  await until('all to be published', async () => ledger.publishedSeq === 4, { forMs: 2000, everyMs: 1 })
  await publisher.close()
  assert.deepEqual(seqs(broker), [1, 2, 3, 4])
  assert.deepEqual([stalled.length, resumed.length], [1, 1])
})

test('given a Kafka that has forgotten how far the lane was, then the mark in the ledger counts', async () => {
  const first = scene()
  first.ledger.write({}, {})
  await first.done(2)
  first.broker.expirePlaces()
  first.ledger.write({})
  await scene(first).done(3)
  assert.deepEqual(seqs(first.broker), [1, 2, 3])
})

test('given a ledger that was set back, then its new messages are not taken for old ones, and that is said', async () => {
  const first = scene()
  first.ledger.write({}, {}, {}, {})
  await first.done(4)
  first.ledger.setBack(2, 2)
  first.ledger.write({ id: 'new 3' }, { id: 'new 4' }, { id: 'new 5' })
  const notices = hear('notice')
  await scene(first).done(5)
  assert.deepEqual(
    first.broker.log.map(({ id }) => id),
    ['id 1', 'id 2', 'id 3', 'id 4', 'new 3', 'new 4', 'new 5'],
  )
  assert.equal(notices.filter(({ code }) => code === 'outbox_set_back').length, 1)
})

test('given a lane that closes while Kafka is away, then its publisher ends', async () => {
  const { broker, ledger, publisher } = scene()
  broker.isAway = true
  ledger.write({})
  publisher.wake()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await publisher.close()
  const { opened } = broker
  broker.isAway = false
  publisher.wake()
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual([broker.opened, broker.log.length], [opened, 0])
})

const wired = (subject: string, n: number) => ({
  value: Buffer.from(JSON.stringify({ n })),
  headers: JSON.stringify({
    kind: 'view',
    'millrace-wire': JSON.stringify({ kind: 'avro', subject, version: 'latest' }),
  }),
})

/** Subject `away` is there from the third time on; `narrow` takes nothing. */
function fakeEncoder(): Encoder & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    async encode(value, { subject }) {
      asked.push(subject)
      if (subject === 'narrow') throw new EngineError('value_not_writable', 'Avro cannot say it')
      const isAway = subject === 'away' && asked.filter((each) => each === 'away').length < 3
      if (isAway) throw new EngineError('subject_missing', 'waiting for subject away', { retryable: true })
      return Buffer.from(`written ${JSON.stringify(value)}`)
    },
  }
}

test('given messages by a registry’s schema, then they are written on the way, and the ones before need not wait', async () => {
  const stalls = hear('outbox.stalled')
  const { broker, ledger, done } = scene({ encoder: fakeEncoder() })
  ledger.write({}, wired('there', 2), wired('away', 3), {}, wired('there', 5))
  await done(5)
  assert.deepEqual(seqs(broker), [1, 2, 3, 4, 5])
  assert.deepEqual(broker.sends, ['2 sent', '3 sent'])
  const [, second, third] = broker.log
  assert.deepEqual([String(second?.value), second?.headers], ['written {"n":2}', '{"kind":"view"}'])
  assert.equal(String(third?.value), 'written {"n":3}')
  assert.deepEqual(
    stalls.map(({ code }) => code),
    ['subject_missing'],
  )
})

test('given a value that its schema cannot say, then it is passed over with the reason, alone', async () => {
  const { broker, ledger, done } = scene({ encoder: fakeEncoder() })
  ledger.write(wired('there', 1), wired('narrow', 2), wired('there', 3))
  await done(3)
  assert.deepEqual(seqs(broker), [1, 3])
  assert.equal(ledger.errorOf(2), 'Avro cannot say it')
})
