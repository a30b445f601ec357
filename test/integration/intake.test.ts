/**
 * The intake where a real Kafka is needed to see it: the group shared out with as few moves as possible, members of
 * other versions, topics that come and go, and consumers that stop or crash.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Consumer, EachBatchHandler, Kafka, Producer } from 'kafkajs'
import { until } from '../../src/base/poll.ts'
import { createClient } from '../../src/intake/client.ts'
import type { IntakeOptions } from '../../src/intake/intake.ts'
import { nameOf } from '../../src/intake/partition.ts'
import type { KafkaSettings } from '../../src/intake/settings.ts'
import { type Facts, subscribe } from '../../src/telemetry/channels.ts'
import { Reader } from '../contract/reader.ts'
import { atEnd } from '../support/at-end.ts'
import { createTopic } from '../support/create-topic.ts'
import { startIntake } from '../support/intake-world.ts'
import { client, freshAdmin, freshProducer } from '../support/kafka.ts'
import { unique } from '../support/servers.ts'

const admin: Admin = await freshAdmin()
const producer: Producer = await freshProducer()

test('a member leaves: the others read its partitions within two seconds', async (t) => {
  const { topic, members } = await group(6, 3)
  const [left, ...others] = members as [Reader, Reader, Reader]
  for (const each of members) each.onAssigned = () => readAll(each)
  for (const each of members) readAll(each)
  const lost = left.mine.map((each) => each.partition)
  await left.intake.stop()
  const from = performance.now()
  await producer.send({ topic, messages: lost.map((partition) => ({ partition, value: 'a' })) })
  const isRead = (partition: number) => others.some((each) => each.values(partition).length > 0)
  await until('all to be read', () => lost.every(isRead), { forMs: 10_000, everyMs: 5 })
  const tookMs = Math.round(performance.now() - from)
  t.diagnostic(`read again ${tookMs} ms after the member had left`)
  assert.ok(tookMs < 2000, `${tookMs} ms`)
})

/** The group may share out once more when the last one has come: until nothing has moved for longer than that takes. */
async function settled(readers: readonly Reader[]): Promise<void> {
  let last = ''
  let sinceMs = performance.now()
  const isSteady = () => {
    const now = JSON.stringify(readers.map(namesOf))
    if (now !== last) sinceMs = performance.now()
    last = now
    return performance.now() - sinceMs > 1500
  }
  await until('the group to settle', isSteady, { forMs: 15_000 })
}

test('one of three stops and another starts in its place: only its partitions move, there and back', async () => {
  const { topic, groupId, members } = await group(7, 3)
  const [first, second, third] = members as [Reader, Reader, Reader]
  await settled(members)
  const before = [first, third].map(namesOf)
  await second.intake.stop()
  await until('all to be shared by two', () => first.mine.length + third.mine.length === 7, { forMs: 10_000 })
  await settled([first, third])
  for (const [at, each] of [first, third].entries()) assert.deepEqual(missingFrom(before[at] ?? [], namesOf(each)), [])
  const fourth = await join(groupId, [topic])
  await until('all to be shared by three', () => isSharedOut([first, third, fourth], 7), { forMs: 10_000 })
  for (const [at, each] of [first, third].entries()) assert.deepEqual(missingFrom(before[at] ?? [], namesOf(each)), [])
})

test('a topic is read only by members that know it, though the leader does not', async () => {
  const [old, fresh] = [await freshTopic(2), await freshTopic(3)]
  const groupId = unique('group')
  const leader = await join(groupId, [old])
  await until('the first', () => leader.mine.length === 2, { forMs: 10_000 })
  const newer = await join(groupId, [old, fresh])
  await until('all of the new topic', () => namesOf(newer).length === 4 && namesOf(leader).length === 1, {
    forMs: 10_000,
  })
  assert.deepEqual(missingFrom(partitionsOf(fresh, 3), namesOf(newer)), [])
})

test('a topic that appears moves nothing', async () => {
  const [topic, later] = [await freshTopic(4), unique('later')]
  const groupId = unique('group')
  const members = [await join(groupId, [topic, later]), await join(groupId, [topic, later])]
  await until('all to be shared', () => isSharedOut(members, 4), { forMs: 10_000 })
  const before = members.map(namesOf)
  const moved: string[] = []
  for (const [at, each] of members.entries()) {
    each.onAssigned = () => moved.push(...missingFrom(before[at] ?? [], namesOf(each)))
  }
  await freshTopic(2, later)
  await until('the new one to be shared', () => isSharedOut(members, 6), { forMs: 10_000 })
  assert.deepEqual(moved, [])
})

test('members of the version before are in the same group, and when the last has gone partitions stay where they are', async () => {
  const topic = await freshTopic(4)
  const groupId = unique('group')
  const old = await oldMember(groupId, topic)
  const first = await join(groupId, [topic])
  await until('two each', () => first.mine.length === 2 && old.mine().length === 2, { forMs: 10_000 })
  assert.equal(old.protocol(), 'RoundRobinAssigner')
  await old.consumer.disconnect()
  await until('all', () => first.mine.length === 4, { forMs: 10_000 })
  const groups = await admin.describeGroups([groupId])
  assert.equal(groups.groups[0]?.protocol, 'millrace-sticky')
  const another = await oldMember(groupId, topic)
  await until('two each again', () => first.mine.length === 2 && another.mine().length === 2, { forMs: 10_000 })
  assert.equal(another.protocol(), 'RoundRobinAssigner')
})

test('of aborted transactions that overlap nothing is read, wherever reading begins', async () => {
  const { topic, members } = await group(1, 1)
  const reader = members[0] as Reader
  const [p, q] = [await freshProducer(unique('p')), await freshProducer(unique('q'))]
  const [of, other] = [await p.transaction(), await q.transaction()]
  const send = (to: typeof of, value: string) => to.send({ topic, messages: [{ partition: 0, value }] })
  for (const [to, value] of [
    [of, 'p0'],
    [other, 'q1'],
    [of, 'p2'],
    [other, 'q3'],
    [of, 'p4'],
    [other, 'q5'],
  ] as const)
    await send(to, value)
  await other.abort()
  await of.abort()
  await producer.send({ topic, messages: [{ partition: 0, value: 'last' }] })
  for (const from of [0, 1, 2, 3, 4, 5]) {
    const before = reader.values(0).length
    reader.intake.read(reader.at(0), from)
    await until('the last', () => reader.values(0).length > before, { forMs: 10_000 })
    assert.deepEqual(reader.values(0).slice(before), ['last'], `read from ${from}`)
  }
})

test('a topic is deleted: others are read on, it is said once; made again, it is another one', async () => {
  const groupId = unique('group')
  const [topic, doomed] = [await freshTopic(1), await freshTopic(1)]
  const reader = await join(groupId, [topic, doomed])
  await until('both', () => reader.mine.length === 2, { forMs: 10_000 })
  const incarnation = await reader.intake.incarnation(doomed)
  reader.onAssigned = () => reader.intake.read({ topic, partition: 0 }, reader.values(0).length)
  readAll(reader)
  const said: string[] = []
  const stop = subscribe('notice', (fact) => fact.level === 'warn' && said.push(fact.message))
  const outages: unknown[] = []
  const stopOutages = subscribe('outage', (fact) => outages.push(fact))
  await admin.deleteTopics({ topics: [doomed] })
  const from = performance.now()
  await until('the assignment', () => reader.mine.length === 1, { forMs: 15_000 })
  assert.ok(performance.now() - from < 8000)
  await producer.send({ topic, messages: [{ partition: 0, value: 'a' }] })
  await until('the other topic', () => reader.values(0).includes('a'), { forMs: 10_000 })
  await sleep(3000)
  assert.deepEqual(said, [`Kafka does not have these topics any more, waiting for them: ${doomed}`])
  assert.deepEqual(outages, [])
  await freshTopic(1, doomed)
  await until('both again', () => reader.mine.length === 2, { forMs: 15_000 })
  const now = await reader.intake.incarnation(doomed)
  assert.notEqual(now, incarnation)
  assert.deepEqual(reader.recreated, [`${doomed} ${now}`])
  stop()
  stopOutages()
})

test('a consumer that hangs is built anew by the watchdog, and goes on where it was', async () => {
  const hanging = { at: 0 }
  const topic = await freshTopic(1)
  const clientOf = (settings: KafkaSettings) => altered(createClient(settings), (run) => hang(run, hanging))
  const facts: Facts['watchdog'][] = []
  const stop = subscribe('watchdog', (fact) => facts.push(fact))
  const reader = await join(unique('group'), [topic], { client: clientOf, watchdogMs: 1500 })
  await until('the assignment', () => reader.mine.length === 1, { forMs: 10_000 })
  readAll(reader)
  await producer.send({ topic, messages: [{ value: 'a' }] })
  await until('the first', () => reader.values(0).length === 1, { forMs: 10_000 })
  hanging.at = 1
  await producer.send({ topic, messages: [{ value: 'b' }] })
  await sleep(300)
  await producer.send({ topic, messages: [{ value: 'c' }] })
  await until('the rest', () => reader.values(0).length === 3, { forMs: 15_000 })
  assert.deepEqual(reader.told(0), [0, 1, 2])
  assert.deepEqual(
    facts.map(({ total, topic }) => [total, topic]),
    [[1, topic]],
  )
  assert.ok((facts[0]?.stalledMs ?? 0) >= 1500)
  stop()
})

test('a crash that kafkajs gives up on is an outage, and mended by a new consumer in the same place', async () => {
  const topic = await freshTopic(2)
  const groupId = unique('group')
  let crash = false
  const breaks = (handle: EachBatchHandler): EachBatchHandler => {
    return async (payload) => {
      if (crash) throw Object.assign(new TypeError('broken inside'), { retriable: false })
      await handle(payload)
    }
  }
  const told: string[] = []
  const stops = [
    subscribe('outage', (fact) => told.push(`outage ${fact.message}`)),
    subscribe('recovered', () => told.push('recovered')),
  ]
  const first = await join(groupId, [topic], { client: (settings) => altered(createClient(settings), breaks) })
  const second = await join(groupId, [topic])
  await until('one each', () => isSharedOut([first, second], 2), { forMs: 10_000 })
  readAll(first)
  const mine = namesOf(first)
  const moved: string[] = []
  second.onAssigned = () => moved.push(...namesOf(second).filter((name) => mine.includes(name)))
  crash = true
  const partition = first.mine[0]?.partition ?? 0
  await producer.send({ topic, messages: [{ partition, value: 'a' }] })
  await until('the outage', () => told.length === 1, { forMs: 10_000 })
  crash = false
  await until('the record', () => first.values(partition).length === 1, { forMs: 15_000 })
  assert.match(told.join(), /^outage .*broken inside.*recovered$/)
  assert.deepEqual(moved, [])
  for (const stop of stops) stop()
})

function hang(handle: EachBatchHandler, hanging: { at: number }): EachBatchHandler {
  return async (payload) => {
    if (hanging.at === 1) {
      hanging.at = 2
      await new Promise(() => undefined)
    }
    await handle(payload)
  }
}

/** A client whose consumers' callback is another one. */
function altered(kafka: Kafka, alter: (handle: EachBatchHandler) => EachBatchHandler): Kafka {
  const create = kafka.consumer.bind(kafka)
  kafka.consumer = (config) => {
    const consumer: Consumer = create(config)
    const { run } = consumer
    consumer.run = (options) => run({ ...options, eachBatch: alter(options?.eachBatch as EachBatchHandler) })
    return consumer
  }
  return kafka
}

/** A coordinator that has only the client's own assigner, as far as the group sees it. */
async function oldMember(groupId: string, topic: string) {
  const consumer = (await client()).consumer({
    groupId,
    sessionTimeout: 6000,
    rebalanceTimeout: 6000,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 100,
  })
  let mine: number[] = []
  let protocol = ''
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    mine = payload.memberAssignment[topic] ?? []
    protocol = payload.groupProtocol
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ eachBatch: async () => undefined })
  atEnd(() => consumer.disconnect())
  return { consumer, mine: () => mine, protocol: () => protocol }
}

async function group(partitions: number, size: number): Promise<{ topic: string; groupId: string; members: Reader[] }> {
  const topic = await freshTopic(partitions)
  const groupId = unique('group')
  const members: Reader[] = []
  for (let at = 0; at < size; at++) members.push(await join(groupId, [topic]))
  await until('all to be shared', () => isSharedOut(members, partitions), { forMs: 10_000 })
  return { topic, groupId, members }
}

async function join(groupId: string, topics: readonly string[], options: IntakeOptions = {}): Promise<Reader> {
  const reader = new Reader(topics[0] ?? '')
  const intake = await startIntake(groupId, reader.listener, options)
  reader.intake = intake
  await intake.setTopics(topics)
  return reader
}

async function freshTopic(partitions: number, topic = unique('intake')): Promise<string> {
  await createTopic(admin, topic, partitions)
  atEnd(() => admin.deleteTopics({ topics: [topic] }).catch(() => undefined))
  return topic
}

function readAll(reader: Reader): void {
  for (const each of reader.mine) reader.intake.read(each, 0)
}

/** Everyone has a share, all are shared, nothing twice. */
function isSharedOut(members: readonly Reader[], partitions: number): boolean {
  const all = members.flatMap(namesOf)
  const sizes = members.map((each) => each.mine.length)
  const isEven = Math.max(...sizes) - Math.min(...sizes) <= 1
  return all.length === partitions && new Set(all).size === partitions && isEven
}

function namesOf(reader: Reader): string[] {
  return reader.mine.map(nameOf).sort()
}

function partitionsOf(topic: string, count: number): string[] {
  return Array.from({ length: count }, (_, partition) => nameOf({ topic, partition }))
}

function missingFrom(names: readonly string[], among: readonly string[]): string[] {
  return names.filter((name) => !among.includes(name))
}
