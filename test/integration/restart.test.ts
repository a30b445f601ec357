/**
 * What a coordinator leaves behind is taken up where it stood: after `kill -9` with steps running and waiting, and after
 * a workflow's file was changed between two runs.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { isAlive } from '../../src/local/life.ts'
import { cloudEvent } from '../support/kafka.ts'
import { freshScene, kill, type Scene, terminate } from '../support/scene.ts'
import { freshTopic } from '../support/servers.ts'

/** A killed member stays in its group for six seconds, Kafka's least: only then its partitions go to another. */
const longDelayMs = 9000

test('steps that run and steps that wait survive kill -9', async () => {
  const topic = await freshTopic(1)
  const types = ['done', 'short', 'long', 'running', 'again', 'looping', 'expired']
  const scene = await freshScene({
    ...Object.fromEntries(types.map((type) => [`${type}.yaml`, killed(type, topic.name)])),
    ...functions,
  })
  const notes = join(scene.dir, 'notes.txt')
  const first = scene.start()
  const events = [...types, 'short'].map((type, n) => ({
    key: 'one',
    value: JSON.stringify({ notes, n }),
    headers: cloudEvent(type, `${type}-${n}`),
  }))
  await topic.producer.send({ topic: topic.name, messages: events })
  await scene.until(
    'the delays',
    `select count(*) = 3 from millrace.steps where state = 'waiting'
     and transaction_id in (select id from millrace.transactions where workflow in ('short', 'long', 'expired'))`,
  )
  await until('the running ones', () => ['running 1', 'again 2', 'looping 1'].every((line) => noted(notes, line)), {
    forMs: 10_000,
  })
  await scene.ended(1, { workflow: 'done' })
  await kill(first)
  const killedAt = Date.now()
  const pids = linesOf(notes).map((line) => Number(line.split(' ')[3]))
  await until('its workers to be gone', () => !pids.some(isAlive), { forMs: 1500 })
  scene.start()
  await scene.ended(events.length)

  assert.deepEqual(await attempts(scene), [
    'again 1 retry, again 2 ok',
    'done 1 ok',
    'expired 1 retry, expired 2 timeout',
    'long 1 retry, long 2 ok',
    'looping 1 ok',
    'running 1 ok',
    'short 1 retry, short 2 ok',
    'short 1 retry, short 2 ok',
  ])
  const delays = await scene.ledger.query<{ workflow: string; late: number; due: Date; exact: boolean }>(
    `
select b.workflow, extract(epoch from b.dispatched_at - a.next_at)::float as late, a.next_at as due,
       b.eligible_at = a.next_at as exact
from millrace.attempts a join millrace.attempts b on b.transaction_id = a.transaction_id and b.attempt = 2
where a.attempt = 1 and a.workflow in ('short', 'long') order by due`,
  )
  assert.ok(delays.every(({ late, exact }) => late >= 0 && exact))
  const long = delays.find((each) => each.workflow === 'long')
  assert.ok(Number(long?.due) > killedAt + 6000 && (long?.late ?? 9) < 1, JSON.stringify(delays))
  const [expired] = await scene.ledger.query(
    `select state, error_code from millrace.transactions where workflow = 'expired'`,
  )
  assert.deepEqual(expired, { state: 'failed', error_code: 'transaction_timeout' })
  const [order] = await scene.ledger.query(
    `select min(ended_at) < (select max(dispatched_at) from millrace.attempts where workflow = 'short' and attempt = 1)
     as kept from millrace.transactions where workflow = 'short'`,
  )
  assert.deepEqual(order, { kept: true })

  const lines = linesOf(notes).map((line) => line.split(' ').slice(0, 3).join(' '))
  assert.deepEqual(counted(lines.filter((line) => /^(done|running|looping) /.test(line))), {
    done: 1,
    looping: 2,
    running: 2,
  })
  assert.equal(new Set(lines.filter((line) => line.startsWith('running 1 '))).size, 1, 'another idempotency key')
})

test('a transaction goes on with the version it began with, a new one begins with the new', async () => {
  const topic = await freshTopic(1)
  const first = changed(topic.name, ['wait', 'tell'], 1)
  const second = changed(topic.name, ['tell', 'greet'], 2)
  const scene = await freshScene({ 'changed.yaml': first, ...functions })
  let coordinator = scene.start()
  await topic.producer.send({ topic: topic.name, messages: [{ key: 'old', value: '{}' }] })
  await scene.until('the delay', `select count(*) = 1 from millrace.steps where state = 'waiting'`)
  await terminate(coordinator)
  await writeFile(join(scene.dir, 'changed.yaml'), second)
  coordinator = scene.start()
  await topic.producer.send({ topic: topic.name, messages: [{ key: 'new', value: '{}' }] })
  await scene.ended(2)

  const rows = await scene.ledger.query(
    `select key, state, source, array(select step || ' ' || s.state || ' ' || coalesce(output::text, '')
       from millrace.steps s where transaction_id = t.id order by position) as steps
     from millrace.transactions t join millrace.versions v using (workflow, version) order by key desc`,
  )
  assert.deepEqual(rows, [
    { key: 'old', state: 'completed', source: first, steps: ['wait ok {"version": 1}', 'tell ok {"version": 1}'] },
    { key: 'new', state: 'completed', source: second, steps: ['tell ok {"version": 2}', 'greet ok {"version": 2}'] },
  ])
  await terminate(coordinator)
})

test('a transaction goes on though its workflow has moved to another topic', async () => {
  const topics = [await freshTopic(1), await freshTopic(1)]
  const [before = '', after = ''] = topics.map((topic) => topic.name)
  const scene = await freshScene({ 'changed.yaml': changed(before, ['wait', 'tell'], 1), ...functions })
  let coordinator = scene.start()
  const publish = (topic: string) => topics[0]?.producer.send({ topic, messages: [{ value: '{}' }] })
  await publish(before)
  await scene.until('the delay', `select count(*) = 1 from millrace.steps where state = 'waiting'`)
  await terminate(coordinator)
  await writeFile(join(scene.dir, 'changed.yaml'), changed(after, ['tell'], 2))
  await rm(join(scene.dir, 'functions/wait.ts'))
  coordinator = scene.start()
  await publish(after)
  await scene.ended(1)
  await writeFile(join(scene.dir, 'functions/wait.ts'), functions['functions/wait.ts'])
  await scene.ended(2, { forMs: 15_000 })
  await terminate(coordinator)
})

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
}

function noted(file: string, start: string): boolean {
  return linesOf(file).some((line) => line.startsWith(start))
}

/** How many lines begin with each word. */
function counted(lines: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of [...lines].sort()) counts[line.split(' ')[0] ?? ''] = (counts[line.split(' ')[0] ?? ''] ?? 0) + 1
  return counts
}

async function attempts(scene: Scene): Promise<string[]> {
  const rows = await scene.ledger.query<{ line: string }>(
    `select string_agg(format('%s %s %s', workflow, attempt, outcome), ', ' order by attempt) as line
     from millrace.attempts group by transaction_id order by 1`,
  )
  return rows.map((row) => row.line)
}

function killed(type: string, topic: string): string {
  return `
name: ${type}
on: { kafka: { topic: ${topic}, type: ${type} } }
${type === 'expired' ? 'timeout: 5s' : ''}
steps:
  - id: act
    uses: ${type === 'looping' ? 'loop' : 'act'}
    with: { type: ${type}, notes: '\${{ event.data.notes }}', longDelayMs: ${longDelayMs} }
    retry: { attempts: 4, initial: 10ms, max: 10ms }
    timeout: 60s
`
}

function changed(topic: string, steps: readonly string[], version: number): string {
  return `
name: changed
on: { kafka: ${topic} }
steps:
${steps.map((step) => `  - { id: ${step}, uses: ${step}, with: { version: ${version} } }`).join('\n')}
`
}

const functions = {
  'functions/act.ts': `
import { appendFileSync, readFileSync } from 'node:fs'
import { defineFunction, retry, z } from 'millrace'
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
export default defineFunction({
  input: z.object({ type: z.string(), notes: z.string(), longDelayMs: z.number() }),
  async run({ input: { type, notes, longDelayMs }, context: { attempt, idempotencyKey } }) {
    const line = [type, attempt, idempotencyKey].join(' ')
    appendFileSync(notes, line + ' ' + process.pid + '\\n')
    const before = readFileSync(notes, 'utf8').split(line).length - 2
    if (type === 'short' && attempt === 1) return retry('soon', 'again in 3 s', { afterMs: 3000 })
    if (type === 'expired' && attempt === 1) return retry('soon', 'again in 4 s', { afterMs: 4000 })
    if (type === 'long' && attempt === 1) return retry('later', 'again', { afterMs: longDelayMs })
    if (type === 'again' && attempt === 1) return retry('now', 'again')
    if (before === 0 && (type === 'running' || type === 'again')) await sleep(30_000)
    return null
  },
})`,
  'functions/loop.ts': `
import { appendFileSync, readFileSync } from 'node:fs'
import { defineFunction, z } from 'millrace'
export default defineFunction({
  input: z.object({ notes: z.string() }),
  run({ input: { notes }, context: { attempt, idempotencyKey } }) {
    const line = ['looping', attempt, idempotencyKey].join(' ')
    appendFileSync(notes, line + ' ' + process.pid + '\\n')
    while (readFileSync(notes, 'utf8').split(line).length === 2) {}
    return null
  },
})`,
  'functions/wait.ts': `
import { defineFunction, retry } from 'millrace'
export default defineFunction({
  run: ({ input, context }) => (context.attempt === 1 ? retry('soon', 'again', { afterMs: 2000 }) : input),
})`,
  'functions/tell.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => input })`,
  'functions/greet.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => input })`,
}
