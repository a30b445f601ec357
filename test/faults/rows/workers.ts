/** Worker processes that die: of themselves before and after their effect, and by a kill at any moment. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Arena } from '../arena.ts'
import { eventOf } from '../events.ts'
import type { Room, Row } from '../row.ts'
import { trial } from '../trial.ts'

const killsARound = 12

export const workers: Row = {
  name: 'workers',
  about: 'kill -9 of worker processes: before the effect, after it and before the result is sent, and at random',
  rounds: 1,
  run: (room) =>
    trial(room, { name: 'workers', make: (n) => [eventOf(n, { dies: diesAt(n) })] }, async ({ arena }) => {
      for (let kill = 0; kill < room.rounds * killsARound; kill++) {
        room.tell(`kill ${kill + 1} of ${room.rounds * killsARound}`)
        killWorker(arena, room)
        await sleep(room.random.whole(100, 700))
      }
    }),
}

/** Few enough that nobody is lost five times beside others. */
function diesAt(n: number): 'no' | 'before' | 'after' {
  if (n % 50 === 20) return 'before'
  return n % 50 === 45 ? 'after' : 'no'
}

export function killWorker(arena: Arena, { random }: Room): void {
  const pids = random.oneOf(arena.alive()).workerPids()
  if (pids.length === 0) return
  try {
    process.kill(random.oneOf(pids), 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}
