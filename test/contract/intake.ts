/**
 * What the coordinator relies on of an intake, as tests for any pair of an intake and a Kafka: the real ones and
 * simulated ones alike. `World` is all that these tests need of a Kafka and its group.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../src/base/poll.ts'
import type { Partition } from '../../src/intake/intake.ts'
import { type IntakeUnderTest, type Listener, Reader } from './reader.ts'

/** A Kafka with one consumer group. Topics, transactions and intakes are gone when the test file is done. */
export interface World {
  /** A new topic with a name of its own. */
  createTopic(partitions: number): Promise<string>
  /** Deletes it with its records, and makes another one of this name. */
  recreateTopic(topic: string): Promise<void>
  /** Appends a record; resolves when readers may see it. */
  produce(partition: Partition, value: string, timeMs?: number): Promise<void>
  /** Appends one record in a transaction that is ended so; a control record follows it. Resolves when it is ended. */
  transact(partition: Partition, value: string, end: 'commit' | 'abort'): Promise<void>
  /** As retention does it: the log begins at this offset. */
  deleteBefore(partition: Partition, offset: number): Promise<void>
  /** A started intake of the group, another process as it were. */
  join(listener: Listener): Promise<IntakeUnderTest>
  /** Cuts the intake off from Kafka until its session is over, and a little longer. Resolves when it hears again. */
  cutOff(intake: IntakeUnderTest): Promise<void>
}

export interface ContractOptions {
  /** How long what must happen may take, in milliseconds. */
  readonly forMs: number
  /** How long to wait for what must not happen, in milliseconds. */
  readonly quietMs: number
}

export function intakeContract(name: string, makeWorld: () => Promise<World>, options: ContractOptions): void {
  const { forMs, quietMs } = options
  let world: Promise<World> | undefined
  const inWorld = (what: string, act: (world: World) => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      world ??= makeWorld()
      await act(await world)
    })
  const waitFor = (what: string, holds: () => boolean) => until(what, holds, { forMs })

  inWorld('records come in the order of their offsets, from where they are asked for', async (world) => {
    await using reader = await readerOf(world, 1, waitFor)
    await produce(world, reader.at(0), ['a', 'b', 'c'])
    reader.intake.read(reader.at(0), 1)
    await waitFor('two records', () => reader.values(0).length >= 2)
    await produce(world, reader.at(0), ['d'])
    await waitFor('the third', () => reader.values(0).length >= 3)
    assert.deepEqual(reader.values(0), ['b', 'c', 'd'])
    assert.deepEqual(reader.told(0), [1, 2, 3])
  })

  inWorld('nothing comes of a partition before it is asked for', async (world) => {
    await using reader = await readerOf(world, 2, waitFor)
    for (const partition of [0, 1]) await produce(world, reader.at(partition), ['a'])
    reader.intake.resume(reader.at(1))
    reader.intake.read(reader.at(0), 0)
    await waitFor('the record that was asked for', () => reader.values(0).length > 0)
    await sleep(quietMs)
    assert.deepEqual(reader.values(1), [])
  })

  inWorld(
    'a paused partition is silent from the call on, others are not; resumed, it goes on where it was',
    async (world) => {
      await using reader = await readerOf(world, 2, waitFor)
      for (const partition of [0, 1]) reader.intake.read(reader.at(partition), 0)
      for (const partition of [0, 1]) await produce(world, reader.at(partition), ['a'])
      await waitFor('both', () => reader.values(0).length + reader.values(1).length === 2)
      reader.intake.pause(reader.at(0))
      for (const partition of [0, 1]) await produce(world, reader.at(partition), ['b'])
      await waitFor('the other', () => reader.values(1).length === 2)
      await sleep(quietMs)
      assert.deepEqual(reader.values(0), ['a'])
      reader.intake.resume(reader.at(0))
      await waitFor('what was held', () => reader.values(0).length === 2)
      assert.deepEqual(reader.told(0), [0, 1])
    },
  )

  inWorld('a pause within the call that hands over holds, and so does a new place', async (world) => {
    await using reader = await readerOf(world, 1, waitFor)
    await produce(world, reader.at(0), ['a'])
    reader.onReceived = () => reader.intake.pause(reader.at(0))
    reader.intake.read(reader.at(0), 0)
    await waitFor('a record', () => reader.values(0).length > 0)
    await produce(world, reader.at(0), ['b', 'c'])
    await sleep(quietMs)
    assert.deepEqual(reader.values(0), ['a'])
    reader.onReceived = () => {
      reader.onReceived = () => undefined
      reader.intake.read(reader.at(0), 0)
    }
    reader.intake.resume(reader.at(0))
    await waitFor('the beginning again', () => reader.told(0).at(-1) === 2 && reader.told(0).length > 3)
    assert.deepEqual(reader.told(0).slice(-3), [0, 1, 2])
  })

  inWorld('back at an earlier offset the same records come again, bytes and stamps alike', async (world) => {
    await using reader = await readerOf(world, 1, waitFor)
    await produce(world, reader.at(0), ['a', 'b', 'c'])
    reader.intake.read(reader.at(0), 0)
    await waitFor('three records', () => reader.values(0).length === 3)
    reader.intake.read(reader.at(0), 1)
    await waitFor('two again', () => reader.values(0).length === 5)
    const same = reader.records(0).map(({ fetchedUs: _, ...record }) => record)
    assert.deepEqual(same.slice(3), same.slice(1, 3))
  })

  inWorld('what is no record for us is told with its reason, also behind the last record', async (world) => {
    await using reader = await readerOf(world, 1, waitFor)
    reader.intake.read(reader.at(0), 0)
    await world.transact(reader.at(0), 'a', 'commit')
    await waitFor('the control record behind the record', () => reader.told(0).length === 2)
    await world.transact(reader.at(0), 'b', 'abort')
    await waitFor('an aborted record and its control record', () => reader.told(0).length === 4)
    await produce(world, reader.at(0), ['c'])
    await waitFor('the last record', () => reader.values(0).length === 2)
    assert.deepEqual(reader.values(0), ['a', 'c'])
    assert.deepEqual(reader.missing(0), ['1 control', '2 aborted', '3 control'])
    assert.deepEqual(reader.told(0), [0, 1, 2, 3, 4])
  })

  inWorld('what Kafka no longer holds is told as such, whether or not anything follows it', async (world) => {
    await using reader = await readerOf(world, 1, waitFor)
    await produce(world, reader.at(0), ['a', 'b', 'c'])
    await world.deleteBefore(reader.at(0), 3)
    reader.intake.read(reader.at(0), 1)
    await waitFor('the gap', () => reader.told(0).length === 2)
    await produce(world, reader.at(0), ['d'])
    await waitFor('the record behind it', () => reader.values(0).length === 1)
    assert.deepEqual(reader.missing(0), ['1 retention', '2 retention'])
    assert.deepEqual(reader.told(0), [1, 2, 3])
  })

  inWorld('bounds, and the offset of a time', async (world) => {
    await using reader = await readerOf(world, 2, waitFor)
    for (const timeMs of [5000, 6000, 7000]) await world.produce(reader.at(1), 'a', recentMs + timeMs)
    await world.deleteBefore(reader.at(1), 1)
    const bounds = await reader.intake.bounds(reader.topic)
    assert.deepEqual(
      [bounds.get(0), bounds.get(1)],
      [
        { earliest: 0, latest: 0 },
        { earliest: 1, latest: 3 },
      ],
    )
    const offsets = await reader.intake.offsetsAt(reader.topic, recentMs + 6500)
    assert.deepEqual([offsets.get(0), offsets.get(1)], [0, 2])
  })

  inWorld(
    'a second member takes its share, and both are told exactly theirs; it leaves, and all is back',
    async (world) => {
      await using first = await readerOf(world, 4, waitFor)
      for (const { topic, partition } of first.mine) first.intake.read({ topic, partition }, 0)
      const second = await joined(world, first.topic)
      await waitFor('two each', () => first.mine.length === 2 && second.mine.length === 2)
      const all = [...first.mine, ...second.mine].map((each) => each.partition)
      assert.deepEqual(all.sort(), [0, 1, 2, 3])
      const [lost] = second.mine
      assert.ok(lost)
      await produce(world, lost, ['a'])
      second.intake.read(lost, 0)
      await waitFor('the record at its new owner', () => second.values(lost.partition).length === 1)
      assert.deepEqual(first.values(lost.partition), [])
      await second.intake.stop()
      await waitFor('all back', () => first.mine.length === 4)
      first.intake.read(lost, 0)
      await waitFor('the record at its old owner', () => first.values(lost.partition).length === 1)
    },
  )

  inWorld(
    'what a member keeps through a rebalance goes on by itself, without a record lost or doubled',
    async (world) => {
      await using first = await readerOf(world, 2, waitFor)
      for (const partition of [0, 1]) first.intake.read(first.at(partition), 0)
      await using second = await joined(world, first.topic)
      await waitFor('one each', () => first.mine.length === 1 && second.mine.length === 1)
      const kept = first.mine[0]?.partition ?? -1
      await produce(world, first.at(kept), ['a', 'b'])
      await waitFor('both', () => first.values(kept).length >= 2)
      assert.deepEqual(first.told(kept), [0, 1])
    },
  )

  inWorld(
    'a confirmation comes while the group stands, and is refused when it shares out anew or we stop',
    async (world) => {
      await using first = await readerOf(world, 2, waitFor)
      // Just joined, the group may share out once more.
      let confirmed = false
      for (const untilMs = Date.now() + forMs; !confirmed && Date.now() < untilMs; )
        confirmed = await first.intake.confirm()
      assert.equal(confirmed, true)
      const refused = new Promise<boolean>((resolve) => {
        first.onAssigned = () => {
          first.onAssigned = () => undefined
          resolve(!asked.includes(false))
        }
      })
      const asked: boolean[] = []
      const asking = setInterval(() => void first.intake.confirm().then((held) => asked.push(held)), 10)
      await using second = await joined(world, first.topic)
      await waitFor('the share of the second', () => second.mine.length === 1)
      await refused
      clearInterval(asking)
      await waitFor('a refusal', () => asked.includes(false))
      const last = first.intake.confirm()
      await first.intake.stop()
      assert.equal(await last, false)
      assert.equal(await first.intake.confirm(), false)
    },
  )

  inWorld(
    'a topic that was deleted and made again is another one: told once, and read only when asked for',
    async (world) => {
      await using reader = await readerOf(world, 1, waitFor)
      const old = await reader.intake.incarnation(reader.topic)
      assert.equal(await reader.intake.incarnation(reader.topic), old)
      await produce(world, reader.at(0), ['a', 'b'])
      reader.intake.read(reader.at(0), 0)
      await waitFor('the records', () => reader.values(0).length === 2)
      await world.recreateTopic(reader.topic)
      for (const value of ['c', 'd', 'e', 'f']) await produce(world, reader.at(0), [value])
      await waitFor('the news', () => reader.recreated.length > 0)
      await waitFor('the partition to be ours again', () => reader.mine.length === 1)
      await sleep(quietMs)
      assert.deepEqual(reader.values(0), ['a', 'b'])
      const fresh = await reader.intake.incarnation(reader.topic)
      assert.notEqual(fresh, old)
      assert.deepEqual(reader.recreated, [`${reader.topic} ${fresh}`])
      reader.intake.read(reader.at(0), 0)
      await waitFor('its records', () => reader.values(0).length === 6)
      assert.deepEqual(reader.values(0).slice(2), ['c', 'd', 'e', 'f'])
    },
  )

  inWorld('a member that was away past its session is told what is its own then, and reads on', async (world) => {
    await using first = await readerOf(world, 2, waitFor)
    await using second = await joined(world, first.topic)
    await waitFor('one each', () => first.mine.length === 1 && second.mine.length === 1)
    const back = world.cutOff(first.intake)
    await waitFor('all with the second', () => second.mine.length === 2)
    await back
    await waitFor('a share of the first again', () => first.mine.length === 1 && second.mine.length === 1)
    const [mine] = first.mine
    assert.ok(mine)
    await produce(world, mine, ['a'])
    first.intake.read(mine, 0)
    await waitFor('its record', () => first.values(mine.partition).length === 1)
  })
}

/** An hour ago, to the second: old enough to tell, young enough to be kept. */
const recentMs = Math.floor(Date.now() / 1000) * 1000 - 3_600_000

/** The only member of a group on a topic of its own, which has been given all of it. */
async function readerOf(
  world: World,
  partitions: number,
  waitFor: (what: string, holds: () => boolean) => Promise<void>,
): Promise<Reader> {
  const reader = await joined(world, await world.createTopic(partitions))
  await waitFor('the assignment', () => reader.mine.length === partitions)
  return reader
}

async function joined(world: World, topic: string): Promise<Reader> {
  const reader = new Reader(topic)
  reader.intake = await world.join(reader.listener)
  await reader.intake.setTopics([topic])
  return reader
}

async function produce(world: World, partition: Partition, values: readonly string[]): Promise<void> {
  for (const value of values) await world.produce(partition, value)
}
