/** What producers do wrong: records bad in every way, and the same event again and again. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from 'kafkajs'
import { badRecord, badWaysCount, cloudEventOf, eventOf } from '../events.ts'
import { Random } from '../random.ts'
import type { Row } from '../row.ts'
import { trial } from '../trial.ts'

export const bad: Row = {
  name: 'bad-records',
  about: 'one record in a hundred is bad, in each of the ways there are at least once',
  rounds: 1,
  run: (room) => {
    const every = Math.max(1, Math.min(100, Math.floor((room.events * room.rounds) / badWaysCount())))
    return trial(room, { name: 'bad-records', make: oneBadIn(every) }, () => sleep(0))
  },
}

/** The n-th bad record is bad in the n-th way. */
export function oneBadIn(every: number): (n: number) => Message[] {
  return (n) => [n % every === every - 1 ? badRecord(Math.floor(n / every)) : eventOf(n)]
}

export const copies: Row = {
  name: 'copies',
  about: 'each event is published one to five times, on random partitions: it is one transaction of each workflow',
  rounds: 1,
  run: (room) => trial(room, { name: 'copies', make: copied(4) }, () => sleep(0)),
}

export function copied(partitions: number): (n: number) => Message[] {
  return (n) => {
    const random = new Random(`copies of ${n}`)
    return Array.from({ length: random.whole(1, 5) }, () => ({
      ...cloudEventOf(n),
      partition: random.whole(0, partitions - 1),
    }))
  }
}
