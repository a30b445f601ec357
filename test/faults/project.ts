/**
 * The project that runs under the faults: two workflows on one topic. `charge` has three steps in order of the account,
 * retries, a charge at the payment provider, and a message of it to another topic; `tally` orders by the record's key and has one step.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TopicMessages } from 'kafkajs'
import type { Provider } from '../../demo/provider/spawn.ts'

export interface Project {
  /** Of the workflows that take the arena's topic. */
  readonly workflows: readonly string[]
  /** Environment variables that the functions see. */
  readonly functionsEnv: string
  /** Beside the one the events are on. */
  topics(topic: string): readonly string[]
  write(dir: string, topic: string): Promise<void>
  /** `dir`: where it was written. */
  env?(provider: Provider, dir: string): Readonly<Record<string, string>>
  /** What is published along with the n-th event. */
  beside?(n: number, topic: string): readonly TopicMessages[]
  /** And behind the last of them. */
  behind?(published: number, topic: string): readonly TopicMessages[]
}

export const workflows = ['charge', 'tally'] as const

/** Where each charge is told of. */
export const chargedOf = (topic: string): string => `${topic}.charged`

export const charges: Project = {
  workflows,
  functionsEnv: 'PROVIDER_URL,FAULTS_DIR',
  topics: (topic) => [chargedOf(topic)],
  write: (dir, topic) => writeFiles(dir, filesFor(topic)),
}

export async function writeFiles(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
  }
}

export const filesFor = (topic: string): Readonly<Record<string, string>> => ({
  'charge.yaml': `
name: charge
on:
  kafka:
    topic: ${topic}
key: event.data.account
steps:
  - id: check
    uses: check
    with: { n: '\${{ event.data.n }}' }
    retry: { attempts: 3, initial: 50ms, max: 200ms }
  - id: charge
    uses: charge
    with: { account: '\${{ event.data.account }}', dies: '\${{ event.data.dies }}', slow: '\${{ event.data.n % 7 == 0 }}' }
    retry: { attempts: 20, initial: 50ms, max: 500ms }
    publish: { topic: ${chargedOf(topic)}, key: event.data.account, value: '\${{ steps.charge.output.id }}' }
  - id: note
    uses: note
    with: { id: '\${{ steps.charge.output.id }}' }
`,
  'tally.yaml': `
name: tally
on:
  kafka:
    topic: ${topic}
steps:
  - id: note
    uses: note
    with: { data: '\${{ event.data }}' }
`,
  'functions/check.ts': `
import { defineFunction, retry, z } from 'millrace'
export default defineFunction({
  input: z.object({ n: z.number() }),
  run: ({ input, context }) => (input.n % 10 === 0 && context.attempt === 1 ? retry('not_yet', 'once more') : { ok: true }),
})`,
  'functions/charge.ts': `
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction, retry, z } from 'millrace'
export default defineFunction({
  input: z.object({ account: z.string(), dies: z.string(), slow: z.boolean() }),
  output: z.object({ id: z.string() }),
  async run({ input, context }) {
    await sleep(10)
    if (input.dies === 'before') dieOnce(context.transactionId)
    const response = await fetch(process.env.PROVIDER_URL + '/charges', {
      method: 'POST',
      signal: context.signal,
      headers: { 'content-type': 'application/json', 'idempotency-key': context.idempotencyKey },
      body: JSON.stringify({ account: input.account, amount: 100, currency: 'EUR', reference: context.transactionId }),
    })
    if (!response.ok) return retry('provider', 'answered ' + response.status)
    if (input.dies === 'after') dieOnce(context.transactionId)
    await sleep(input.slow ? 400 : 10)
    return { id: context.idempotencyKey }
  },
})
function dieOnce(name: string): void {
  try {
    writeFileSync(join(process.env.FAULTS_DIR!, 'died-' + name), '', { flag: 'wx' })
  } catch {
    return
  }
  process.kill(process.pid, 'SIGKILL')
}`,
  'functions/note.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: () => ({ noted: true }) })`,
})
