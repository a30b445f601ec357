/**
 * The promise under `kill -9`: two coordinators share a topic, one is killed at a random moment ten times, and a
 * payment provider outside keeps its own book. Nothing is lost or doubled in the ledger, nothing is charged twice,
 * and each account is charged in the order of its events.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { effectsOf, readBook } from '../../demo/provider/book.ts'
import { startProvider } from '../../demo/provider/spawn.ts'
import { until } from '../../src/base/poll.ts'
import { type RunningCoordinator, runCoordinator } from '../support/coordinator.ts'
import { freshProject } from '../support/project.ts'
import { freshLedger, freshTopic, servers, unique } from '../support/servers.ts'

const events = 5000
const accounts = 500
const kills = 10

test(`${kills} kills of a coordinator in a run of ${events} events`, { timeout: 240_000 }, async (t) => {
  const { brokers } = await servers()
  const ledger = await freshLedger()
  const topic = await freshTopic(4)
  const dir = await mkdtemp(join(tmpdir(), 'millrace-kill-'))
  after(() => rm(dir, { recursive: true, force: true }))
  const book = join(dir, 'book.jsonl')
  const provider = await startProvider({ book })
  after(() => provider.stop())
  const workflows = await freshProject({ 'charge.yaml': workflow(topic.name), ...functions })
  const env = {
    KAFKA_BROKERS: brokers.join(','),
    DATABASE_URL: ledger.databaseUrl,
    MILLRACE_ENGINE: unique('kill'),
    MILLRACE_FUNCTIONS_ENV: 'PROVIDER_URL',
    PROVIDER_URL: provider.url,
  }
  const start = () => runCoordinator(workflows, env)
  const coordinators: RunningCoordinator[] = [start(), start()]

  const publishing = (async () => {
    for (let first = 0; first < events; first += 250) {
      const messages = Array.from({ length: 250 }, (_, at) => eventOf(first + at))
      await topic.producer.send({ topic: topic.name, acks: -1, messages })
      await sleep(300)
    }
  })()
  const ended = async () => {
    const [row] = await ledger.query<{ n: string }>(
      `select count(*) n from millrace.transactions where state <> 'running'`,
    )
    return Number(row?.n)
  }

  for (let kill = 0; kill < kills; kill++) {
    await sleep(500 + Math.random() * 1500)
    const at = kill % coordinators.length
    coordinators[at]?.signal('SIGKILL')
    await coordinators[at]?.exited
    coordinators[at] = start()
  }
  await publishing
  const from = performance.now()
  await until('every transaction to end', async () => (await ended()) >= events, { forMs: 90_000, everyMs: 200 })
  t.diagnostic(`all ended ${Math.round(performance.now() - from)} ms after the last event`)

  const states = await ledger.query('select state, count(*)::int as n from millrace.transactions group by 1')
  assert.deepEqual(states, [{ state: 'completed', n: events }])
  const positions = await ledger.query<{ n: number }>(
    'select count(distinct (kafka_partition, kafka_offset))::int as n from millrace.transactions',
  )
  assert.equal(positions[0]?.n, events)
  const [doubled] = await ledger.query<{ n: number }>(
    `select count(*)::int as n from (select transaction_id, step from millrace.attempts where outcome = 'ok'
     group by 1, 2 having count(*) > 1) d`,
  )
  assert.equal(doubled?.n, 0)

  const written = await readBook(book)
  assert.deepEqual(written.duplicates, [])
  const charges = effectsOf(written)
  assert.equal(charges.length, events)
  assert.equal(new Set(charges.map((charge) => charge.reference)).size, events)
  assert.deepEqual(disorder(charges), [], 'charges out of the order of their account')

  for (const each of coordinators) each.signal('SIGTERM')
  const ends = await Promise.all(coordinators.map((each) => each.exited))
  assert.deepEqual(
    ends,
    ends.map(() => ({ code: 0, signal: null })),
  )
})

/** Of each account, references of charges that come after a later one. */
function disorder(charges: readonly { account: string; reference: string }[]): string[] {
  const last = new Map<string, number>()
  return charges.flatMap(({ account, reference }) => {
    const n = Number(reference)
    const before = last.get(account) ?? -1
    last.set(account, Math.max(before, n))
    return n < before ? [`${account}: ${n} after ${before}`] : []
  })
}

function eventOf(n: number): { key: string; value: string } {
  const account = `account-${n % accounts}`
  return { key: account, value: JSON.stringify({ n, account }) }
}

function workflow(topic: string): string {
  return `
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
    with: { n: '\${{ event.data.n }}', account: '\${{ event.data.account }}' }
    retry: { attempts: 20, initial: 50ms, max: 500ms }
  - id: note
    uses: note
    with: { id: '\${{ steps.charge.output.id }}' }
`
}

const functions = {
  'functions/check.ts': `
import { defineFunction, retry, z } from 'millrace'
export default defineFunction({
  input: z.object({ n: z.number() }),
  run: ({ input, context }) => (input.n % 10 === 0 && context.attempt === 1 ? retry('not_yet', 'once more') : { ok: true }),
})`,
  'functions/charge.ts': `
import { defineFunction, retry, z } from 'millrace'
export default defineFunction({
  input: z.object({ n: z.number(), account: z.string() }),
  output: z.object({ id: z.string() }),
  async run({ input, context }) {
    const response = await fetch(process.env.PROVIDER_URL + '/charges', {
      method: 'POST',
      signal: context.signal,
      headers: { 'content-type': 'application/json', 'idempotency-key': context.idempotencyKey },
      body: JSON.stringify({ account: input.account, amount: 100, currency: 'EUR', reference: String(input.n) }),
    })
    if (!response.ok) return retry('provider', 'answered ' + response.status)
    return { id: context.idempotencyKey }
  },
})`,
  'functions/note.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => ({ noted: input }) })`,
}
