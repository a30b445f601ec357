/**
 * What people may ask of transactions and workflows, through the command line and a real coordinator: cancel, compensate,
 * retry, pause, resume. The functions look into a folder for what the world is like, and keep a book of their calls there.
 */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { millrace, type Result } from '../cli/millrace.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, unique } from '../support/servers.ts'

const { name: topic, producer } = await freshTopic(1)
const over = unique('over')
await freshTopic(1, over)
const bills = unique('bills')
await freshTopic(1, bills)
const scene = await freshScene(
  {
    'pay.yaml': `
name: pay
on: { kafka: ${topic} }
key: event.data.account
signals: { ${over}: { key: event.data.n } }
steps:
  - id: reserve
    uses: act
    with: { step: reserve, n: '\${{ event.data.n }}' }
    compensate: { uses: act, with: { step: release, n: '\${{ event.data.n }}' }, retry: { attempts: 1 } }
  - { id: linger, wait: { topic: ${over}, key: event.data.n }, when: event.data.way == 'linger' }
  - { id: charge, uses: act, with: { step: charge, n: '\${{ event.data.n }}' }, retry: { attempts: 1 } }`,
    'check.yaml': `
name: check
on: { kafka: ${topic} }
key: event.data.account
steps:
  - { id: first, uses: act, with: { step: first, n: '\${{ event.data.n }}' } }
  - id: both
    parallel:
      one: [{ id: one, uses: act, with: { step: one, n: '\${{ event.data.n }}' } }]
      two: [{ id: two, uses: act, with: { step: two, n: '\${{ event.data.n }}' } }]
  - { id: second, uses: act, with: { step: second, n: '\${{ event.data.n }}' }, retry: { attempts: 1 } }
  - { id: third, uses: act, with: { step: third, n: '\${{ steps.second.output.n }}' } }`,
    'bill.yaml': `
name: bill
on: { kafka: ${bills} }
steps:
  - id: bill_all
    forEach: event.data.parties
    as: party
    steps:
      - { id: bill, uses: post, with: { party: '\${{ party }}' }, compensate: act_nothing }
  - { id: receipt, call: receipt, with: { n: '\${{ size(event.data.parties) }}' } }
  - { id: nap, sleep: 1h }`,
    'receipt.yaml': `
name: receipt
steps: [{ id: print, uses: act_nothing }]`,
    'functions/act_nothing.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: () => ({ done: true }) })`,
    'functions/post.ts': `
import { defineFunction, z } from 'millrace'
export default defineFunction({
  input: z.object({ party: z.string() }),
  run({ input: { party }, context }) {
    context.post({ debit: party, credit: 'revenue', amount: 1250, currency: 'EUR', party })
    return { party }
  },
})`,
    'functions/act.ts': `
import { appendFileSync, existsSync } from 'node:fs'
import { defineFunction, fail, z } from 'millrace'
export default defineFunction({
  input: z.object({ step: z.string(), n: z.number() }),
  run({ input: { step, n } }) {
    if (existsSync(process.env.WORLD + '/' + step + '-' + n)) return fail('shut', step + ' is shut')
    appendFileSync(process.env.WORLD + '/book.txt', step + ' ' + n + '\\n')
    return { n }
  },
})`,
  },
  { MILLRACE_FUNCTIONS_ENV: 'WORLD' },
)
const book = join(scene.dir, 'book.txt')
writeFileSync(book, '')
const coordinator = scene.start({ WORLD: scene.dir })

const publish = (...events: { n: number; account?: string; way?: string }[]) =>
  producer.send({
    topic,
    messages: events.map((each) => ({ value: JSON.stringify({ account: `a${each.n}`, way: '', ...each }) })),
  })
const engine = { MILLRACE_ENGINE: scene.engine }
const cli = (...args: string[]): Promise<Result> =>
  millrace(scene.dir, args, { env: { DATABASE_URL: scene.ledger.databaseUrl, ...engine } })

const shut = (step: string, n: number) => writeFileSync(join(scene.dir, `${step}-${n}`), '')
const open = (step: string, n: number) => rmSync(join(scene.dir, `${step}-${n}`))

const steps = { pay: ['reserve', 'charge', 'release'], check: ['first', 'one', 'two', 'second', 'given', 'third'] }

/** Steps of a workflow that were done outside for one event, in their order. */
function done(workflow: keyof typeof steps, n: number): string[] {
  const lines = readFileSync(book, 'utf8').trim().split('\n')
  const all = lines.filter((line) => line.endsWith(` ${n}`)).map((line) => line.split(' ')[0] ?? '')
  return all.filter((step) => steps[workflow].includes(step))
}

const of = (workflow: string, n: number) => `workflow = '${workflow}' and (event -> 'data' ->> 'n')::int = ${n}`

async function reaches(workflow: string, n: number, state: string): Promise<Record<string, unknown>> {
  await scene.until(
    `${workflow} of ${n} to be ${state}`,
    `select count(*) = 1 from millrace.transactions where ${of(workflow, n)} and state = '${state}'`,
  )
  const [row] = await scene.ledger.query(`select * from millrace.transactions where ${of(workflow, n)}`)
  return row as Record<string, unknown>
}

const by = ['--by', 'ann', '--why', 'as told']

test('cancel: one that waits goes no further, what it did is undone, and the ledger knows who and why', async () => {
  await publish({ n: 1, way: 'linger' })
  const { id } = await reaches('pay', 1, 'waiting')
  assert.match((await cli('show', `${id}`)).stdout, new RegExp(`linger {2}waiting {2}waits for 1 of ${over}$`, 'm'))
  const result = await cli('cancel', `${id}`, ...by)
  assert.match(result.stdout, new RegExp(`^${id} is cancelled: what runs may end, and what it did is undone`))
  assert.equal(result.code, 0, result.stderr)
  const row = await reaches('pay', 1, 'cancelled')
  assert.deepEqual([row.error_code, row.error_message], ['cancelled', 'cancelled by ann: as told'])
  assert.deepEqual(done('pay', 1), ['reserve', 'release'])
  assert.match((await cli('show', `${id}`)).stdout, /undo of reserve \(act\) {2}attempt 1 {2}ok/)
  const again = await cli('cancel', `${id}`)
  assert.match(again.stderr, new RegExp(`${id} has ended: it is cancelled \\(wrong_state\\)`))
  assert.equal(again.code, 1)
})

test('compensate: what a failed one owes is shown, and undone once what was in the way is mended', async () => {
  shut('charge', 2)
  shut('release', 2)
  await publish({ n: 2 })
  const { id } = await reaches('pay', 2, 'failed')
  const shown = await cli('show', `${id}`)
  assert.match(shown.stdout, /^owed: it was done, and is not undone\n {2}reserve {2}by act: shut release is shut\n/m)
  open('release', 2)
  const result = await cli('compensate', `${id}`, ...by)
  assert.match(result.stdout, new RegExp(`^${id} is opened again to undo what it owes \\(reserve\\)`))
  assert.equal(result.code, 0, result.stderr)
  const row = await reaches('pay', 2, 'compensated')
  assert.equal(row.round, 2)
  assert.deepEqual(done('pay', 2), ['reserve', 'release'])
  const after = await cli('show', `${id}`)
  assert.match(after.stdout, /round 2: undone once more, by ann: as told\n +before that it was failed: shut /)
  assert.doesNotMatch(after.stdout, /^owed/m)
  assert.match((await cli('compensate', `${id}`)).stderr, /is compensated: it owes nothing/)
})

test('retry: what was undone runs again from its beginning', async () => {
  const [row] = await scene.ledger.query<{ id: string }>(`select id from millrace.transactions where ${of('pay', 2)}`)
  const late = await cli('retry', row!.id, '--from', 'charge')
  assert.match(late.stderr, /reserve, before charge, was undone; retry from there, or before it \(wrong_step\)/)
  assert.equal(late.code, 1)
  open('charge', 2)
  const result = await cli('retry', row!.id, ...by, '--json')
  assert.equal(result.code, 0, result.stderr)
  assert.deepEqual(JSON.parse(result.stdout).state, 'done')
  await reaches('pay', 2, 'completed')
  assert.deepEqual(done('pay', 2), ['reserve', 'release', 'reserve', 'charge'])
})

const wrong: readonly [string[], number, RegExp][] = [
  [['--from', 'one'], 1, /step one is inside of both; retry from that one/],
  [['--from', 'secnd'], 1, /has no step secnd; did you mean "second"\?/],
  [['--from', 'zzzzzzzz'], 1, /has no step zzzzzzzz; there are first, both, second, third/],
  [['--from', 'both', '--input', 'input.json'], 1, /step both runs no function: it takes no --input/],
  [['--input', 'none.json'], 1, /none\.json cannot be read/],
  [['--input', 'functions/act.ts'], 2, /--input functions\/act\.ts is no JSON: /],
]
test('retry with what cannot be: nothing is asked, and it says why', async () => {
  shut('second', 3)
  await publish({ n: 3 })
  const { id } = await reaches('check', 3, 'failed')
  writeFileSync(join(scene.dir, 'input.json'), '{"step":"given","n":3}')
  for (const [args, code, message] of wrong) {
    const result = await cli('retry', `${id}`, ...args)
    assert.match(result.stderr, message)
    assert.equal(result.code, code)
  }
  const asked = await scene.ledger.query(`select from millrace.commands where target = $1`, [id])
  assert.equal(asked.length, 0)
})

test('retry --from --input: from that step on, with what it was given', async () => {
  const { id } = await reaches('check', 3, 'failed')
  const result = await cli('retry', `${id}`.slice(0, 18), '--from', 'second', '--input', 'input.json', ...by)
  assert.equal(result.stdout, `${id} runs again from step second on; \`millrace show ${id}\` tells how far it is\n`)
  assert.equal(result.code, 0, result.stderr)
  await reaches('check', 3, 'completed')
  const all = done('check', 3)
  assert.deepEqual(
    all.filter((step) => step === 'first'),
    ['first'],
  )
  assert.deepEqual(all.slice(-2), ['given', 'third'])
  assert.match(
    (await cli('show', `${id}`)).stdout,
    /^ {2}both +ok +parallel\n {4}one\n {6}one +ok +act\n {4}two\n {6}two +ok +act$/m,
  )
  const round =
    /round 2: run again from second on, by ann: as told\n +before that it was failed: shut step second: second is shut/
  assert.match((await cli('show', `${id}`)).stdout, round)
  assert.match((await cli('retry', `${id}`)).stderr, /is completed: there is nothing to retry/)
})

test('show and list: items, money, what was called, until when it sleeps, and all of it undone', async () => {
  await producer.send({ topic: bills, messages: [{ value: JSON.stringify({ parties: ['anna', 'ben'] }) }] })
  await scene.until(
    'a bill to sleep',
    `select count(*) = 1 from millrace.transactions where workflow = 'bill' and state = 'waiting'`,
  )
  const [{ id }] = JSON.parse((await cli('list', '--state', 'waiting', '--json')).stdout)
  const { stdout } = await cli('show', id)
  assert.match(stdout, /^ {2}bill_all +ok +forEach, 2 ok$/m)
  assert.match(stdout, /^ {4}bill\[1\] +ok +post$/m)
  assert.match(
    stdout,
    /bill\[0\] \(post\) {2}attempt 1 {2}ok.*\n.*\n +posted {2}12\.50 EUR {2}debit anna, credit revenue \(anna\)$/m,
  )
  assert.match(stdout, /^ {2}receipt +ok +calls receipt, [\w-]{36} completed$/m)
  assert.match(stdout, /^ +nap {2}waiting {2}sleeps until 2\S+ \S+ UTC$/m)
  const [child] = JSON.parse((await cli('show', id, '--json')).stdout).called
  assert.match((await cli('show', child.id)).stdout, new RegExp(`^ {2}called by  receipt of ${id}$`, 'm'))
  assert.equal((await cli('cancel', id)).code, 0)
  await scene.until('it to be undone', `select state = 'cancelled' from millrace.transactions where id = '${id}'`)
  const undone = (await cli('show', id)).stdout
  assert.match(
    undone,
    /undo of bill\[1\].*\n(?:.*\n)? +posted {2}12\.50 EUR {2}debit revenue, credit ben \(ben\), a reversal$/m,
  )
  assert.match(undone, /^ {2}bill_all +\S+ +forEach, 2 compensated$/m)
})

test('pause: nothing of the workflow starts, and it is seen; resume: it goes on', async () => {
  const paused = await cli('pause', 'pay', ...by)
  await publish({ n: 4 })
  assert.match(paused.stdout, /^pay is paused: nothing of it starts or wakes; what has started goes on\.$/m)
  assert.match(paused.stdout, /^\S+ \(.+\/0.*\) holds to it\.$/m)
  assert.equal(paused.code, 0, paused.stderr)
  assert.match(
    (await cli('pause', 'pay', '--no-wait')).stdout,
    /^pay was paused before: by ann since .* UTC: as told$/m,
  )
  await reaches('check', 4, 'completed')
  const { id } = await reaches('pay', 4, 'running')
  await sleep(500)
  assert.deepEqual(done('pay', 4), [])
  assert.match((await cli('show', `${id}`)).stdout, /^ {2}paused {4}all by ann since .*: as told$/m)
  assert.match((await cli('lanes')).stdout, /^pay +\(all\) +\S+ +2\S+ \S+ +ann +as told$/m)
  const other = await cli('resume', 'pay', '--key', 'a4')
  assert.match(other.stderr, /key a4 of pay is not paused; all of pay is: resume it without --key \(not_paused\)/)
  assert.equal(other.code, 1)
  const resumed = await cli('resume', 'pay', '--by', 'ben')
  assert.equal(resumed.stdout, 'pay goes on within 2 s\n')
  await reaches('pay', 4, 'completed')
  const [row] = await scene.ledger.query(`select paused_by, why, resumed_by from millrace.pauses`)
  assert.deepEqual(row, { paused_by: 'ann', why: 'as told', resumed_by: 'ben' })
})

test('pause --key: only of that key nothing starts', async () => {
  const paused = await cli('pause', 'pay', '--key', 'held', '--by', 'ann', '--json')
  assert.deepEqual(
    JSON.parse(paused.stdout).coordinators.map((each: { has_heard: boolean }) => each.has_heard),
    [true],
  )
  await publish({ n: 5, account: 'held' }, { n: 6, account: 'free' })
  await reaches('pay', 6, 'completed')
  assert.deepEqual(done('pay', 5), [])
  const whole = await cli('resume', 'pay')
  assert.match(whole.stderr, /pay is not paused; paused is --key held \(not_paused\)/)
  assert.equal((await cli('resume', 'pay', '--key', 'held')).code, 0)
  await reaches('pay', 5, 'completed')
  assert.match((await cli('pause', 'pai')).stderr, /the ledger knows no workflow pai; did you mean "pay"\?/)
})

test('pause: a coordinator that does not answer is named, and does not hold to it yet', async () => {
  coordinator.signal('SIGSTOP')
  const paused = await cli('pause', 'pay')
  coordinator.signal('SIGCONT')
  assert.match(paused.stdout, /^\S+ \(.+\) has not said so yet \(last seen \S+ \S+ UTC\)\.$/m)
  assert.equal(paused.code, 1)
  await terminate(coordinator)
  const alone = await cli('pause', 'pay', '--key', 'one')
  assert.match(alone.stdout, /^No coordinator is at work; whoever starts holds to it\.$/m)
  assert.equal(alone.code, 0)
})
