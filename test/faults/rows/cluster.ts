/** A cluster of three brokers that loses the leader of a partition. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Arena } from '../arena.ts'
import { startCluster } from '../cluster.ts'
import { movingAgain } from '../recovery.ts'
import type { Row } from '../row.ts'
import { trial } from '../trial.ts'

/** Until the controllers have named another leader (3 s without a heartbeat) and the clients have found it. */
const afterLeaderSecondsMax = 20

export const leader: Row = {
  name: 'leader',
  about: 'three brokers, each record on three of them; kill -9 of a partition’s leader, back some seconds later',
  rounds: 2,
  long: true,
  async run(room) {
    const cluster = await startCluster(join(room.ground.dir, 'cluster'))
    const ground = { ...room.ground, brokers: cluster.brokers, kafka: null }
    const options = { name: 'leader', replicas: 3, recoverySecondsMax: afterLeaderSecondsMax }
    const run = trial({ ...room, ground }, options, async ({ arena, recovered }) => {
      for (let round = 1; round <= room.rounds; round++) {
        await sleep(room.random.whole(300, 2000))
        const node = await leaderOf(arena, room.random.whole(0, 3))
        room.tell(`leader ${round} of ${room.rounds}: broker ${node}`)
        await cluster.kill(node)
        recovered(await movingAgain(arena, performance.now()))
        await cluster.start(node)
        await sleep(5000) // its replicas catch up, else the next kill could take the second copy
      }
    })
    return run.finally(() => cluster.stop())
  },
}

async function leaderOf(arena: Arena, partition: number): Promise<number> {
  const { topics } = await arena.admin.fetchTopicMetadata({ topics: [arena.id] })
  return topics[0]?.partitions.find((each) => each.partitionId === partition)?.leader as number
}
