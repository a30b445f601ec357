/** Dead letters on real servers: looked at, mended, made transactions again exactly once, or given up for good. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { millrace, type Result } from '../cli/millrace.ts'
import type { RunningCoordinator } from '../support/coordinator.ts'
import { freshProject } from '../support/project.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, unique } from '../support/servers.ts'

const orders = await freshTopic(2)
const payments = await freshTopic(1)
const token = `Bearer ${unique('token')}`
const order = (key: string) => `
name: order
on: { kafka: ${orders.name} }
key: ${key}
steps:
  - { id: keep, uses: pass, with: '\${{ event.data }}' }
`
const scene = await freshScene(
  {
    'order.yaml': order('event.data.customer'),
    'pay.yaml': `
name: pay
on: { kafka: ${payments.name} }
auth: [{ function: check }]
deadLetter: { failed: true }
steps:
  - { id: charge, uses: charge, with: { token: '\${{ event.auth.principal }}' }, retry: { attempts: 1 } }`,
    'functions/check.ts': `
import { createHash } from 'node:crypto'
import { defineFunction } from 'millrace'
export default defineFunction({
  authenticates: true,
  run: ({ input }) => ({ principal: createHash('sha256').update(input.headers.authorization).digest('hex') }),
})`,
    'functions/pass.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => input })`,
    'functions/charge.ts': `
import { existsSync } from 'node:fs'
import { defineFunction, fail, z } from 'millrace'
export default defineFunction({
  input: z.object({ token: z.string() }),
  run: ({ input }) =>
    existsSync(process.env.BANK) ? input.token : fail('closed', 'no bank today'),
})`,
  },
  { MILLRACE_FUNCTIONS_ENV: 'BANK', MILLRACE_SEAL_KEY: unique('seal-key-long-enough') },
)
/** Where the operator sits: workflow files are elsewhere. */
const desk = await freshProject({})
const bank = join(desk, 'bank')
const start = () => scene.start({ BANK: bank })
let coordinator: RunningCoordinator = start()

const cli = (...args: string[]): Promise<Result> =>
  millrace(desk, args, { env: { DATABASE_URL: scene.ledger.databaseUrl } })

/** The document and exit code of a command with `--json`. */
async function told(
  ...args: string[]
): Promise<{ code: number | null; lines: { id: string; result: string; answer: string }[] }> {
  const { code, stdout, stderr } = await cli(...args, '--json')
  assert.equal(stderr, '')
  return { code, lines: JSON.parse(stdout) }
}

async function letterStates(): Promise<Record<string, number>> {
  const rows = await scene.ledger.query<{ state: string; n: number }>(
    'select state, count(*)::int as n from millrace.dead_letters group by 1',
  )
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
}

const redriven = (workflow: string) =>
  scene.ledger.query<{ id: string; redriven_from: string; state: string; data: unknown }>(
    `select t.id, redriven_from, t.state, event -> 'data' as data from millrace.transactions t
     join millrace.commands c on c.answer = t.id::text
     where redriven_from is not null and workflow = $1 order by c.id`,
    [workflow],
  )

const letters = (count: number) =>
  scene.until(`${count} dead letters`, `select count(*) = ${count} from millrace.dead_letters`)

test('records and failed transactions that are given up on are dead letters', async () => {
  const values = ['{"n":1,"customer":"a"}', '{"n":2}', '{"n":3', 'NaN', '{"n":5}', '']
  await orders.producer.send({ topic: orders.name, messages: values.map((value) => ({ value, partition: 0 })) })
  await payments.producer.send({ topic: payments.name, messages: [{ value: '{}', headers: { authorization: token } }] })
  await letters(6)
  const rows = await scene.ledger.query(
    'select code, count(*)::int as n, count(transaction_id)::int as failed from millrace.dead_letters group by 1 order by 1',
  )
  assert.deepEqual(rows, [
    { code: 'closed', n: 1, failed: 1 },
    { code: 'expression_failed', n: 2, failed: 0 },
    { code: 'value_not_json', n: 3, failed: 0 },
  ])
})

const wrong: readonly [string[], RegExp][] = [
  [['--where', 'colour = 1'], /column "colour" does not exist\n.*columns of millrace\.dead_letters: id, topic/],
  [['--where', 'true) or ('], /syntax error/],
  [
    ['--where', 'true); delete from millrace_data.dead_letter; select from millrace.dead_letters d where (true'],
    /cannot insert multiple commands/,
  ],
  [['--where', `nextval('millrace_data.coordinator_session') > 0`], /read-only transaction/],
  [['--where', 'true', '--edit', 'value.json'], /is the value of one dead letter, but 6 match: narrow --where/],
  [['--where', `code = 'closed'`, '--edit', 'none.json'], /--edit none\.json cannot be read/],
]
for (const [args, message] of wrong) {
  test(`redrive ${args.join(' ')} changes nothing and says why`, async () => {
    const { code, stderr } = await cli('redrive', ...args)
    assert.match(stderr, message)
    assert.notEqual(code, 0)
    assert.deepEqual(await letterStates(), { open: 6 })
    assert.deepEqual(await scene.ledger.query('select from millrace.commands'), [])
  })
}

test('--dry-run only shows', async () => {
  const { code, stdout } = await cli('redrive', '--where', `code = 'expression_failed'`, '--dry-run')
  assert.match(stdout, /would be redriven +event\.data\.customer: /)
  assert.match(stdout, /^2 would be redriven$/m)
  assert.equal(code, 0)
  assert.deepEqual(await scene.ledger.query('select from millrace.commands'), [])
})

test('before anything is mended it is refused with the same reason, and stays open', async () => {
  const { code, lines } = await told('redrive', '--where', `code = 'expression_failed'`)
  assert.equal(code, 1)
  assert.deepEqual(
    lines.map(({ result }) => result),
    ['refused', 'refused'],
  )
  assert.match(lines[0]!.answer, /event\.data\.customer/)
  assert.deepEqual(await letterStates(), { open: 6 })
})

test('after the workflow is mended each makes exactly one transaction, though asked for by two at once', async () => {
  await terminate(coordinator)
  writeFileSync(join(scene.dir, 'order.yaml'), order('event.data.?customer.orValue("nobody")'))
  coordinator = start()
  const where = ['--where', `code = 'expression_failed'`, '--why', 'customer may be missing', '--by', 'ann']
  const both = await Promise.all([told('redrive', ...where), told('redrive', ...where)])
  for (const { code, lines } of both) {
    assert.equal(code, 0)
    assert.deepEqual(
      lines.map(({ result }) => result),
      ['done', 'done'],
    )
  }
  await scene.ended(4)
  const made = await redriven('order')
  assert.deepEqual(
    made.map(({ state, data }) => [state, data]),
    [
      ['completed', { n: 2 }],
      ['completed', { n: 5 }],
    ],
  )
  assert.deepEqual(new Set(both[0]!.lines.map(({ answer }) => answer)), new Set(made.map(({ id }) => id)))
  assert.deepEqual(new Set(both[0]!.lines.map(({ id }) => id)), new Set(made.map((each) => each.redriven_from)))
  const asked = await scene.ledger.query(
    `select asked_by, why, count(*)::int as n from millrace.commands where state = 'done' group by 1, 2`,
  )
  assert.deepEqual(asked, [{ asked_by: 'ann', why: 'customer may be missing', n: 2 }])
})

test('asked again it does nothing, and neither does a command behind our back', async () => {
  const { code, stdout } = await cli('redrive', '--where', `code = 'expression_failed'`)
  assert.equal(stdout, 'no open dead letter matches\n2 that match were redriven or discarded before\n')
  assert.equal(code, 0)
  await scene.ledger.query(
    `insert into millrace_data.command (lane_id, kind, target, asked_by)
     select lane_id, 'redrive', id, 'ben' from millrace_data.dead_letter where state = 2`,
  )
  await scene.until(
    'answers',
    `select count(*) = 2 from millrace.commands where asked_by = 'ben' and state = 'refused'`,
  )
  assert.equal((await redriven('order')).length, 2)
})

test('--edit: a value that cannot be read is refused before anything is asked; a good one is used', async () => {
  const where = ['--where', `convert_from(value, 'UTF8') = '{"n":3'`]
  writeFileSync(join(desk, 'value.json'), '{"n":3,,}')
  const bad = await cli('redrive', ...where, '--edit', 'value.json')
  assert.match(bad.stderr, /dead letter [\w-]+ of \w+\/0 at offset 2: .*; nothing was redriven \(edit_invalid\)/)
  assert.equal(bad.code, 2)
  writeFileSync(join(desk, 'value.json'), '{"n":3,"customer":"c"}')
  const good = await told('redrive', ...where, '--edit', 'value.json')
  assert.deepEqual([good.code, good.lines.map(({ result }) => result)], [0, ['done']])
  await scene.ended(5)
  assert.deepEqual((await redriven('order')).at(-1)?.data, { n: 3, customer: 'c' })
})

test('--edit: a module makes each one’s; what it throws or gives else is refused', async () => {
  const where = ['--where', `code = 'value_not_json'`]
  writeFileSync(join(desk, 'bad.mjs'), 'export default (value) => (value === "NaN" ? undefined : "{}")')
  const bad = await cli('redrive', ...where, '--edit', 'bad.mjs')
  assert.match(bad.stderr, /it gave undefined, expected the new value as text; nothing was redriven/)
  assert.equal(bad.code, 2)
  writeFileSync(
    join(desk, 'good.mjs'),
    'export default async (value, { offset, code }) => JSON.stringify({ was: value, offset, code })',
  )
  const good = await told('redrive', ...where, '--edit', 'good.mjs')
  assert.deepEqual([good.code, good.lines.map(({ result }) => result)], [0, ['done', 'done']])
  await scene.ended(7)
  const data = (await redriven('order')).slice(-2).map((each) => each.data)
  assert.deepEqual(data, [
    { was: 'NaN', offset: 3, code: 'value_not_json' },
    { was: '', offset: 5, code: 'value_not_json' },
  ])
})

test('a failed transaction’s letter makes a new one, with the credentials that were sealed', async () => {
  writeFileSync(bank, 'open')
  const { code, lines } = await told('redrive', '--where', `workflow = 'pay'`)
  assert.deepEqual([code, lines.length], [0, 1])
  const id = lines[0]!.answer
  await scene.until('its end', `select state = 'completed' from millrace.transactions where id = '${id}'`)
  const [row] = await scene.ledger.query('select output from millrace.attempts where transaction_id = $1', [id])
  assert.equal(row?.output, createHash('sha256').update(token).digest('hex'))
  const [from] = await scene.ledger.query(
    `select f.state, f.error_code from millrace.transactions t
     join millrace.dead_letters d on d.id = t.redriven_from
     join millrace.transactions f on f.id = d.transaction_id where t.id = $1`,
    [id],
  )
  assert.deepEqual(from, { state: 'failed', error_code: 'closed' })
})

test('discard: shown, done once, and not to be redriven any more', async () => {
  await orders.producer.send({ topic: orders.name, messages: [{ value: 'rubbish' }, { value: null }] })
  await letters(8)
  const shown = await told('discard', '--where', `state = 'open'`, '--dry-run')
  assert.deepEqual(
    shown.lines.map(({ result }) => result),
    ['would', 'would'],
  )
  const { code, stdout } = await cli('discard', '--where', `state = 'open'`, '--why', 'nobody wants them')
  assert.match(stdout, /^2 discarded$/m)
  assert.equal(code, 0)
  assert.deepEqual(await letterStates(), { redriven: 6, discarded: 2 })
  const again = await cli('redrive', '--where', `state = 'discarded'`)
  assert.match(again.stdout, /^no open dead letter matches$/m)
  const listed = JSON.parse((await cli('dead-letters', '--state', 'discarded', '--json')).stdout)
  assert.equal(listed.length, 2)
})

test('without a coordinator it is asked, and carried out when there is one', async () => {
  await orders.producer.send({ topic: orders.name, messages: [{ value: 'again' }] })
  await letters(9)
  await terminate(coordinator)
  writeFileSync(join(desk, 'value.json'), '{"n":9}')
  const { code, lines } = await told('redrive', '--where', `state = 'open'`, '--edit', 'value.json', '--no-wait')
  assert.deepEqual([code, lines.map(({ result }) => result)], [0, ['pending']])
  const other = await told('redrive', '--where', `state = 'open'`, '--no-wait')
  assert.match(other.lines[0]!.answer, /another redrive of it, asked by .*, is not answered yet/)
  coordinator = start()
  await scene.ended(9)
  assert.deepEqual((await redriven('order')).at(-1)?.data, { n: 9 })
})
