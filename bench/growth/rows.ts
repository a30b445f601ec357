/** What grows, in the order in which it is tried. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from '../parts.ts'
import { fillLedger } from './ledger.ts'
import { type Row, slower } from './row.ts'
import { soak } from './soak.ts'

const eventsDefault = 40_000

const ledger: Row = {
  name: 'ledger',
  about: 'A ledger that holds ten million transactions of five attempts (--rows), against an empty one.',
  async run(room) {
    const { database, engine } = await fillLedger(room.ground, room.rows, room.tell)
    const same = { load: load(room.events ?? eventsDefault) }
    return slower(room, 'ledger', 10, { ...same, extras: { database, engine } }, same)
  },
}

const partitions: Row = {
  name: 'partitions',
  about: '64 partitions on one coordinator, against 4.',
  run: (room) => {
    const events = room.events ?? eventsDefault
    return slower(room, 'partitions', 10, { load: load(events, { partitions: 64 }) }, { load: load(events) })
  },
}

const workflows: Row = {
  name: 'workflows',
  about: '5,000 more workflow files, on 50 other topics, against one alone.',
  async run(room) {
    const topics = Array.from({ length: 50 }, (_, at) => `bench_other_${at}`)
    for (const topic of topics) {
      room.tell(`workflows: makes ${topic}`)
      await room.ground.createTopic(topic, 1)
    }
    const same = { load: load(room.events ?? eventsDefault) }
    const files = (dir: string) => writeOthers(dir, topics, 5000)
    return slower(room, 'workflows', 5, { ...same, extras: { files } }, same)
  },
}

const keys: Row = {
  name: 'keys',
  about: 'A million different keys, against 500; a million events each (--events).',
  run: (room) => {
    const events = room.events ?? 1_000_000
    const of = (count: number) => ({ load: load(events, { events: { bytes: 300, keys: count } }) })
    return slower(room, 'keys', 10, of(1_000_000), of(500), 1)
  },
}

export const rows: readonly Row[] = [ledger, partitions, workflows, keys, soak]

async function writeOthers(dir: string, topics: readonly string[], count: number): Promise<void> {
  await mkdir(dir, { recursive: true })
  for (let n = 0; n < count; n++) {
    const topic = topics[n % topics.length]
    await writeFile(
      join(dir, `other-${n}.yaml`),
      `name: other-${n}
on: { kafka: ${topic} }
key: event.data.key
steps:
  - { id: one, uses: work, when: event.data.n % ${n + 2} == 0, with: { n: '\${{ event.data.n }}' } }
`,
    )
  }
}
