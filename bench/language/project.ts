/** Workflows that rest: one sleeps until a time, one waits for an event with its key. Each runs a function before and after. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Resting {
  /** Of the events that start them; of those that are waited for. */
  readonly topic: string
  readonly signals: string
  /** They sleep until this moment, and as many ms more as the number of their event says. */
  readonly untilMs: number
  readonly take: 'all' | 'first'
  readonly which: readonly ('sleeper' | 'waiter')[]
}

export const topicOf = (name: string) => `${name}.rest`
export const signalsOf = (name: string) => `${name}.signals`

/** Beside the chain that is always there. */
export async function writeResting(dir: string, resting: Resting): Promise<void> {
  await mkdir(dir, { recursive: true })
  for (const name of resting.which) await writeFile(join(dir, `${name}.yaml`), texts[name](resting))
}

const texts = {
  sleeper: ({ topic, untilMs }: Resting) => `
name: sleeper
on: { kafka: ${topic} }
key: event.data.key
steps:
  - { id: before, uses: work, with: { n: '\${{ event.data.n }}' } }
  - id: nap
    sleep: { until: timestamp("${new Date(untilMs).toISOString()}") + duration(string(event.data.n % 1000) + "ms") }
  - { id: after, uses: work, with: { n: '\${{ steps.before.output.n }}' } }
`,
  waiter: ({ topic, signals, take }: Resting) => `
name: waiter
on: { kafka: ${topic} }
key: event.data.key
signals:
  ${signals}: { key: event.data.key, take: ${take} }
steps:
  - { id: before, uses: work, with: { n: '\${{ event.data.n }}' } }
  - { id: news, wait: { topic: ${signals}, key: event.data.key, timeout: 30d } }
  - { id: after, uses: work, with: { n: '\${{ steps.news.output.data.n }}' } }
`,
}
