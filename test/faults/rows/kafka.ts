/** Kafka away, its offsets gone, its partitions more. */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../src/base/poll.ts'
import { heldSpans } from '../../support/accounted.ts'
import { type Arena, createTopic } from '../arena.ts'
import { eraOf } from '../oracle.ts'
import { movingAgain } from '../recovery.ts'
import type { Row } from '../row.ts'
import { trial } from '../trial.ts'

/** Until the clients have found the broker again and the group has formed anew. */
const afterKafkaSecondsMax = 15

export const kafkaKill: Row = {
  name: 'kafka-kill',
  about: 'kill -9 of the Kafka broker, started again after one to four seconds',
  rounds: 2,
  breaksServers: true,
  run: (room) =>
    trial(room, { name: 'kafka-kill', recoverySecondsMax: afterKafkaSecondsMax }, async ({ arena, recovered }) => {
      for (let round = 1; round <= room.rounds; round++) {
        room.tell(`kill ${round} of ${room.rounds}`)
        await sleep(room.random.whole(300, 2000))
        await room.ground.kafka?.kill()
        await sleep(room.random.whole(1000, 4000))
        await room.ground.kafka?.start()
        recovered(await movingAgain(arena, performance.now()))
      }
    }),
}

export const offsetsReset: Row = {
  name: 'offsets-reset',
  about: 'all coordinators stop, their group and its offsets are deleted in Kafka, they start again',
  rounds: 1,
  run: (room) =>
    trial(room, { name: 'offsets-reset' }, async ({ arena, problem }) => {
      for (let round = 1; round <= room.rounds; round++) {
        await sleep(2000)
        const members = arena.alive().length
        for (const wrong of await arena.stopMembers()) problem(wrong)
        await arena.admin.deleteGroups([arena.id])
        room.tell(`offsets deleted ${round} of ${room.rounds}`)
        for (let n = 0; n < members; n++) arena.start()
        await arena.shared()
      }
    }),
}

export const partitionsAdded: Row = {
  name: 'partitions-added',
  about: 'partitions are added while events flow, so that keys move to others',
  rounds: 2,
  run: (room) =>
    trial(room, { name: 'partitions-added', partitions: 3 }, async ({ arena }) => {
      for (let round = 1; round <= room.rounds; round++) {
        await sleep(1500)
        const count = 3 + round
        room.tell(`${count} partitions`)
        await arena.admin.createPartitions({ topicPartitions: [{ topic: arena.id, count }] })
        await sleep(1500)
      }
    }),
}

export const recreated: Row = {
  name: 'topic-recreated',
  about: 'the topic is deleted with transactions of it under way, and made again: the new one is not taken for the old',
  rounds: 1,
  run: (room) =>
    trial(room, { name: 'recreated', partitions: 3 }, async ({ arena, remember, recovered }) => {
      for (let round = 1; round <= room.rounds; round++) {
        await arena.publisher.whileQuiet(async () => {
          await allRead(arena)
          const era = await eraOf(arena)
          remember(era)
          room.tell(`deleted ${round} of ${room.rounds}`)
          await arena.admin.deleteTopics({ topics: [arena.id] })
          await sleep(room.random.whole(0, 3000))
          await createTopic(arena.admin, { topic: arena.id, numPartitions: room.random.whole(2, 4) })
        })
        const since = performance.now()
        await readAnew(arena, round + 1)
        recovered((performance.now() - since) / 1000)
      }
    }),
}

/** What Kafka loses with a topic before it was read is nobody's to account for. */
async function allRead(arena: Arena): Promise<void> {
  const spans = await heldSpans(arena.admin, arena.id)
  const read = async () => {
    const next = new Map((await arena.lanes()).map((lane) => [lane.partition, lane.nextOffset]))
    return spans.every((span) => (next.get(span.partition) ?? 0) >= span.to)
  }
  await until('all to be read', read, { forMs: 30_000, everyMs: 10 })
}

/** Records of the topic's n-th life are in the ledger. */
async function readAnew(arena: Arena, life: number): Promise<void> {
  const read = async () => {
    const lanes = await arena.lanes()
    const last = lanes.at(-1)?.incarnation
    const own = lanes.filter((lane) => lane.incarnation === last)
    return new Set(lanes.map((lane) => lane.incarnation)).size === life && own.every((lane) => lane.nextOffset > 0)
  }
  await until('the new topic to be read', read, { forMs: 90_000, everyMs: 50 })
}
