/** Kafka away, its offsets gone, its partitions more. */
import { setTimeout as sleep } from 'node:timers/promises'
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
