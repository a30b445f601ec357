/** A coordinator whose wall clock is set forth and back while it works. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row } from '../row.ts'
import { trial } from '../trial.ts'

/** An hour on, a day back, a minute on, and so on until it is right again. */
const jumps = '3000:3600000,5000:-86400000,7000:60000,9000:82740000'

export const clock: Row = {
  name: 'clock',
  about: 'the clock of one of three coordinators jumps by an hour, a day and a minute, forth and back',
  rounds: 1,
  run: (room) =>
    trial(room, { name: 'clock', members: 2, clocksAgree: false }, async ({ arena }) => {
      for (let round = 1; round <= room.rounds; round++) {
        const member = arena.start({ FAULTS_CLOCK: jumps })
        await arena.shared([member])
        await sleep(10_000)
        member.signal('SIGTERM')
        await member.exited
      }
    }),
}
