/**
 * A chain of steps without effects and one that has some, with coordinators that die in the middle of it: SQL shows each
 * attempt once, and what acted outside was given nothing but what the ledger holds, however often it was asked. Each event
 * comes twice at least (the producer may send it again, too), so that what a copy ran ahead is undone.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { millrace } from '../cli/millrace.ts'
import { type RunningCoordinator, runCoordinator } from '../support/coordinator.ts'
import { freshProject } from '../support/project.ts'
import { freshLedger, freshTopic, servers, unique } from '../support/servers.ts'

const events = 200
/** Results folded ahead and not written; rows on their way; written and not acted on. */
const deaths = ['result.before-fold:150', 'commit.before-send:9', 'commit.returned:7']

interface Act {
  readonly key: string
  readonly transactionId: string
  readonly found: string
}

test('coordinators that die in a chain without effects', { timeout: 120_000 }, async (t) => {
  const { brokers } = await servers()
  const ledger = await freshLedger()
  const topic = await freshTopic(2)
  const dir = await mkdtemp(join(tmpdir(), 'millrace-effect-free-'))
  after(() => rm(dir, { recursive: true, force: true }))
  const book = join(dir, 'acts.jsonl')
  const workflows = await freshProject({ 'chain.yaml': workflow(topic.name), ...functions })
  const env = {
    KAFKA_BROKERS: brokers.join(','),
    DATABASE_URL: ledger.databaseUrl,
    MILLRACE_ENGINE: unique('effect-free'),
    MILLRACE_FUNCTIONS_ENV: 'BOOK',
    BOOK: book,
  }
  const numbers = Array.from({ length: events }, (_, n) => [n, n]).flat()
  const messages = numbers.map((n) => ({ key: `k${n % 50}`, value: JSON.stringify({ n }) }))
  await topic.producer.send({ topic: topic.name, acks: -1, messages })

  for (const death of deaths) {
    const dying = runCoordinator(workflows, { ...env, MILLRACE_CRASH_AT: death })
    const { signal } = await endOf(dying, death)
    assert.equal(signal, 'SIGKILL', `${death}: ${dying.logs().slice(-2000)}`)
  }
  const last = runCoordinator(workflows, env)
  const count = async (sql: string) => (await ledger.query<{ n: number }>(sql))[0]?.n
  const ended = () => count(`select count(*)::int as n from millrace.transactions where state = 'completed'`)
  await until('every transaction to end', async () => (await ended()) === events, { forMs: 60_000, everyMs: 100 })
  last.signal('SIGTERM')
  assert.deepEqual(await last.exited, { code: 0, signal: null }, last.logs().slice(-2000))

  assert.equal(await count('select count(*)::int as n from millrace.attempts'), events * 4)
  assert.equal(
    await count(`select count(*)::int as n from millrace.attempts where attempt <> 1 or outcome <> 'ok'`),
    0,
    'what a crash undid is no row',
  )
  const found = await ledger.query<{ id: string; found: string; key: string }>(
    `select transaction_id as id, output->>'found' as found from millrace.attempts where step = 'c'`,
  )
  const foundOf = new Map(found.map((row) => [row.id, row.found]))
  const acts = (await readFile(book, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Act)
  assert.deepEqual(
    acts.filter((act) => foundOf.get(act.transactionId) !== act.found),
    [],
    'given what the ledger does not have',
  )
  assert.equal(new Set(acts.map(({ key }) => key)).size, events)
  const verified = await millrace('.', ['verify'], { env })
  assert.equal(verified.code, 0, verified.stdout + verified.stderr)
  const early = await count(earlyOnes)
  t.diagnostic(
    `${acts.length - events} acts were repeated; ${early} attempts were eligible before the commit before them`,
  )
  assert.ok(Number(early) > 0, 'none went ahead')
})

/** A death that does not come would wait for ever. */
async function endOf(dying: RunningCoordinator, death: string) {
  const tooLong = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error(`${death} was not reached: ${dying.logs().slice(-2000)}`)), 30_000).unref(),
  )
  return Promise.race([dying.exited, tooLong])
}

const earlyOnes = `
select count(*)::int as n from millrace.attempts a
join millrace.attempts b on b.transaction_id = a.transaction_id and (a.step, b.step) in (('a', 'b'), ('b', 'c'))
where b.eligible_at < a.committed_at`

function workflow(topic: string): string {
  return `
name: chain
on: { kafka: { topic: ${topic} } }
key: event.data.n % 50
deduplicate: { by: event.data.n, within: 1h }
steps:
  - { id: a, uses: look, with: { n: '\${{ event.data.n }}' } }
  - { id: b, uses: look, with: { n: '\${{ steps.a.output.n }}' } }
  - { id: c, uses: look, with: { n: '\${{ steps.b.output.n }}' } }
  - { id: act, uses: act, with: { found: '\${{ steps.c.output.found }}' } }
`
}

/** What is read is something else each time, so that what was undone is told from what was written. */
const functions = {
  'functions/look.ts': `
import { randomUUID } from 'node:crypto'
import { defineFunction, z } from 'millrace'
export default defineFunction({
  effects: 'none',
  input: z.object({ n: z.number() }),
  run: ({ input }) => ({ n: input.n, found: randomUUID() }),
})`,
  'functions/act.ts': `
import { appendFileSync } from 'node:fs'
import { defineFunction, z } from 'millrace'
export default defineFunction({
  input: z.object({ found: z.string() }),
  run({ input, context }) {
    const { transactionId, idempotencyKey: key } = context
    appendFileSync(process.env.BOOK!, JSON.stringify({ key, transactionId, found: input.found }) + '\\n')
    return null
  },
})`,
}
