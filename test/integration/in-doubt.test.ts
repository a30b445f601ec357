/**
 * Functions that are not idempotent, with real kills: nothing of them runs twice, what nobody knows stands in doubt and
 * holds nobody up, and a person's word settles it. The function keeps a book of its calls, outside of the engine.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { millrace, type Result } from '../cli/millrace.ts'
import type { RunningCoordinator } from '../support/coordinator.ts'
import { freshScene, kill, terminate } from '../support/scene.ts'
import { freshTopic } from '../support/servers.ts'

const { name: topic, producer } = await freshTopic(1)
const scene = await freshScene(
  {
    'pay.yaml': `
name: pay
on: { kafka: ${topic} }
key: event.data.account
steps:
  - { id: check, uses: pass, with: '\${{ event.data }}' }
  - id: charge
    uses: charge
    with: { n: '\${{ event.data.n }}', way: '\${{ event.data.way }}' }
    retry: { attempts: 4, initial: 50ms }
  - { id: ship, uses: pass, with: { charge: '\${{ steps.charge.output.id }}' } }`,
    'functions/pass.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => input })`,
    'functions/charge.ts': `
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction, retry, z } from 'millrace'
export default defineFunction({
  idempotent: false,
  input: z.object({ n: z.number(), way: z.string() }),
  async run({ input: { n, way }, context }) {
    if (way === 'busy' && context.attempt < 3) return retry('busy', 'nothing was done')
    appendFileSync(process.env.BOOK, n + ' ' + process.pid + '\\n')
    if (way === 'hang') await sleep(60_000)
    if (way === 'throw') throw new Error('the connection was reset')
    return { id: 'charge-' + n }
  },
})`,
  },
  { MILLRACE_FUNCTIONS_ENV: 'BOOK', KAFKA_SESSION_TIMEOUT: '6s' },
)
const book = join(scene.dir, 'book.txt')
writeFileSync(book, '')
const start = () => scene.start({ BOOK: book })
let coordinator: RunningCoordinator = start()

const publish = (...events: { n: number; way: string; account: string }[]) =>
  producer.send({ topic, messages: events.map((each) => ({ key: each.account, value: JSON.stringify(each) })) })
const cli = (...args: string[]): Promise<Result> =>
  millrace(scene.dir, args, { env: { DATABASE_URL: scene.ledger.databaseUrl } })

/** Process ids of the calls of one event. */
function calls(n: number): number[] {
  const lines = readFileSync(book, 'utf8').trim().split('\n')
  return lines.filter((line) => line.startsWith(`${n} `)).map((line) => Number(line.split(' ')[1]))
}

const called = (n: number) => until(`a call of ${n}`, () => calls(n).length > 0, { forMs: 30_000 })

const stateOf = (n: number, step: string, state: string) =>
  scene.until(
    `${step} of ${n} to be ${state}`,
    `select count(*) = 1 from millrace.steps s join millrace.transactions t on t.id = s.transaction_id
     where (t.event -> 'data' ->> 'n')::int = ${n} and s.step = '${step}' and s.state = '${state}'`,
  )

async function idOf(n: number): Promise<string> {
  const [row] = await scene.ledger.query<{ id: string }>(
    `select id from millrace.transactions where (event -> 'data' ->> 'n')::int = $1`,
    [n],
  )
  return row!.id
}

async function endOf(n: number): Promise<unknown> {
  const id = await idOf(n)
  await scene.until(`the end of ${n}`, `select state <> 'running' from millrace.transactions where id = '${id}'`)
  const [row] = await scene.ledger.query(
    `select state, error_code, error_message from millrace.transactions where id = $1`,
    [id],
  )
  return row
}

const attemptsOf = async (n: number) =>
  scene.ledger.query(
    `select attempt, outcome, error_code, resolved_by from millrace.attempts
     where step = 'charge' and transaction_id = $1 order by attempt`,
    [await idOf(n)],
  )

const completed = { state: 'completed', error_code: null, error_message: null }

test('it runs once and its result is used; retry() runs it again', async () => {
  await publish({ n: 1, way: 'ok', account: 'a' }, { n: 2, way: 'busy', account: 'a' })
  await scene.ended(2)
  assert.deepEqual([await endOf(1), await endOf(2)], [completed, completed])
  assert.deepEqual([calls(1).length, calls(2).length], [1, 1])
  assert.deepEqual(
    (await attemptsOf(2)).map(({ outcome }) => outcome),
    ['retry', 'retry', 'ok'],
  )
})

test('its process is killed in the middle: in doubt, not run again, and the next of its key goes on', async () => {
  await publish({ n: 3, way: 'hang', account: 'a' }, { n: 4, way: 'ok', account: 'a' })
  await called(3)
  process.kill(calls(3)[0]!, 'SIGKILL')
  await stateOf(3, 'charge', 'in_doubt')
  assert.deepEqual(await endOf(4), completed)
  assert.equal(calls(3).length, 1)
  assert.deepEqual(await attemptsOf(3), [{ attempt: 1, outcome: 'crash', error_code: 'killed', resolved_by: null }])
})

test('list and show tell it, and how to settle it', async () => {
  const id = await idOf(3)
  const list = JSON.parse((await cli('list', '--state', 'in_doubt', '--json')).stdout)
  assert.deepEqual(
    list.map((row: { id: string; state: string }) => [row.id, row.state]),
    [[id, 'in_doubt']],
  )
  assert.deepEqual(JSON.parse((await cli('list', '--state', 'running', '--json')).stdout), [])
  const { stdout } = await cli('show', id)
  assert.match(stdout, new RegExp(`^${id} +in_doubt$`, 'm'))
  assert.match(stdout, new RegExp(`millrace resolve ${id.slice(0, 18)} --step charge --outcome ok$`, 'm'))
})

const wrong: readonly [string[], number, RegExp][] = [
  [['--step', 'check', '--outcome', 'ok'], 1, /step check of [\w-]+ is ok; in doubt is charge \(not_in_doubt\)/],
  [['--step', 'charg', '--outcome', 'ok'], 1, /has come to no step charg; did you mean "charge"\?/],
  [['--step', 'charge', '--outcome', 'fail', '--output', '1'], 2, /--output goes with --outcome ok/],
  [['--step', 'charge', '--outcome', 'ok', '--output', 'x'], 2, /--output is no JSON: .*'"done"'/],
]
for (const [args, code, message] of wrong) {
  test(`resolve ${args.join(' ')} changes nothing and says why`, async () => {
    const result = await cli('resolve', await idOf(3), ...args)
    assert.match(result.stderr, message)
    assert.equal(result.code, code)
  })
}

test('resolve as ok: it goes on with the output that was given, and the ledger knows who and why', async () => {
  const id = await idOf(3)
  const by = ['--by', 'ann', '--why', 'it is in the books']
  const output = '{"id":"from-the-books"}'
  const result = await cli('resolve', id.slice(0, 18), '--step', 'charge', '--outcome', 'ok', '--output', output, ...by)
  assert.equal(result.stdout, `step charge of ${id} is settled as ok; \`millrace show ${id}\` tells how it goes on\n`)
  assert.equal(result.code, 0, result.stderr)
  assert.deepEqual(await endOf(3), completed)
  assert.deepEqual((await attemptsOf(3))[1], {
    attempt: 2,
    outcome: 'ok',
    error_code: null,
    resolved_by: 'ann: it is in the books',
  })
  const [shipped] = await scene.ledger.query(
    `select output from millrace.steps where transaction_id = $1 and step = 'ship'`,
    [id],
  )
  assert.deepEqual(shipped?.output, { charge: 'from-the-books' })
  assert.match((await cli('show', id)).stdout, /charge {2}settled as ok by ann: it is in the books/)
  assert.equal(calls(3).length, 1)
})

test('resolve as failed after a plain throw: the transaction fails', async () => {
  await publish({ n: 5, way: 'throw', account: 'b' })
  await stateOf(5, 'charge', 'in_doubt')
  const id = await idOf(5)
  const result = await cli('resolve', id, '--step', 'charge', '--outcome', 'fail', '--by', 'ann', '--json')
  assert.equal(result.code, 0, result.stderr)
  const { target, state } = JSON.parse(result.stdout)
  assert.deepEqual([target, state], [id, 'done'])
  const message = 'step charge: settled as failed by ann'
  assert.deepEqual(await endOf(5), { state: 'failed', error_code: 'resolved_failed', error_message: message })
  assert.equal(calls(5).length, 1)
  const again = await cli('resolve', id, '--step', 'charge', '--outcome', 'ok')
  assert.match(again.stderr, /step charge of [\w-]+ is failed; only a step in doubt can be resolved/)
  assert.equal(again.code, 1)
})

test('a coordinator refuses what came too late, with the reason', async () => {
  await scene.ledger.query(
    `insert into millrace_data.command (lane_id, kind, target, args, asked_by)
     select lane_id, 'resolve', id, '{"step":"charge","outcome":"ok"}', 'ben' from millrace_data.transaction where id = $1`,
    [await idOf(5)],
  )
  await scene.until('an answer', `select state <> 'pending' from millrace.commands where asked_by = 'ben'`)
  const [row] = await scene.ledger.query(`select state, answer from millrace.commands where asked_by = 'ben'`)
  assert.deepEqual(row, { state: 'refused', answer: 'step charge is not in doubt: the transaction is failed' })
})

test('kill -9 of the coordinator while it may run: in doubt after the restart, and called at most once', async () => {
  for (const n of [6, 7]) {
    await publish({ n, way: 'hang', account: 'c' })
    const begun = `select count(*) = 1 from millrace_data.begun b join millrace.transactions t on t.id = b.transaction_id
                   where (t.event -> 'data' ->> 'n')::int = ${n}`
    // Once as soon as that it may run is durable, once in the middle of the call.
    if (n === 6) await scene.until('its beginning', begun)
    else await called(n)
    await kill(coordinator)
    coordinator = start()
    await stateOf(n, 'charge', 'in_doubt')
    assert.ok(calls(n).length <= 1, `${calls(n).length} calls`)
    assert.deepEqual(await attemptsOf(n), [
      { attempt: 1, outcome: 'lost', error_code: 'coordinator_lost', resolved_by: null },
    ])
  }
})

test('what stands in doubt survives restarts, and is settled after them', async () => {
  await terminate(coordinator)
  coordinator = start()
  const resolved = await cli(
    'resolve',
    await idOf(6),
    '--step',
    'charge',
    '--outcome',
    'ok',
    '--output',
    '{"id":"six"}',
  )
  assert.equal(resolved.code, 0, resolved.stderr)
  assert.deepEqual(await endOf(6), completed)
  await stateOf(7, 'charge', 'in_doubt')
})

test('a coordinator that is stopped lets what runs end, and leaves nothing in doubt', async () => {
  const events = Array.from({ length: 40 }, (_, at) => ({ n: 100 + at, way: 'ok', account: `d${at}` }))
  await publish(...events)
  await called(100)
  await terminate(coordinator)
  coordinator = start()
  await scene.ended(6 + events.length)
  const doubtful = await scene.ledger.query(`select from millrace.steps where state = 'in_doubt'`)
  assert.equal(doubtful.length, 1)
  for (const { n } of events) assert.equal(calls(n).length, 1, `${n}`)
})
