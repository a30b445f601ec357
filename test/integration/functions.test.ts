/**
 * Functions that misbehave, each in one way: its attempts end with their own code, its transaction with it, and nothing
 * beside it is harmed. All run at once in one coordinator, while well-behaved ones run beside them.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { isAlive } from '../../src/local/life.ts'
import { cloudEvent } from '../support/kafka.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, unique } from '../support/servers.ts'

interface Case {
  readonly name: string
  /** The body of `run`. */
  readonly body: string
  /** `outcome code` of each attempt. */
  readonly attempts: readonly string[]
  /** Of the transaction; null when it completes. */
  readonly error: string | null
  /** Of the function file, before `export default`. */
  readonly head?: string
  /** Of the definition, beside `run`. */
  readonly define?: string
}

const twice = (attempt: string) => [attempt, attempt]

const cases: readonly Case[] = [
  { name: 'exits', body: 'process.exit(3)', attempts: twice('crash exited'), error: 'exited' },
  {
    name: 'dies',
    body: `process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})`,
    attempts: twice('crash killed'),
    error: 'killed',
  },
  { name: 'throws', body: `throw new Error('no')`, attempts: twice('retry thrown'), error: 'thrown' },
  { name: 'throws_undefined', body: 'throw undefined', attempts: twice('retry thrown'), error: 'thrown' },
  {
    name: 'throws_with_a_code',
    body: `throw Object.assign(new Error('no'), { code: 'ENOENT' })`,
    attempts: twice('retry ENOENT'),
    error: 'ENOENT',
  },
  {
    name: 'throws_late',
    body: `setTimeout(() => { throw new Error('late') }, 10); await new Promise(() => {})`,
    attempts: twice('retry uncaught_exception'),
    error: 'uncaught_exception',
  },
  {
    name: 'forgets_a_promise',
    body: `void Promise.reject(new Error('forgotten')); await new Promise(() => {})`,
    attempts: twice('retry unhandled_rejection'),
    error: 'unhandled_rejection',
  },
  { name: 'gives_up', body: `return fail('sold_out', 'none left')`, attempts: ['fail sold_out'], error: 'sold_out' },
  {
    name: 'asks_again',
    body: `return context.attempt === 1 ? retry('busy', 'later', { afterMs: 300 }) : 'done'`,
    attempts: ['retry busy', 'ok null'],
    error: null,
  },
  {
    name: 'hangs',
    body: `console.log('before'); await new Promise(() => {})`,
    attempts: twice('timeout step_timeout'),
    error: 'step_timeout',
  },
  {
    name: 'loops',
    body: `console.log('before'); await new Promise(setImmediate); for (;;) {}`,
    attempts: twice('timeout step_timeout'),
    error: 'step_timeout',
  },
  {
    name: 'leaves_a_child',
    head: `import { spawn } from 'node:child_process'`,
    body: `console.log(spawn('sleep', ['600']).pid); await new Promise(() => {})`,
    attempts: twice('timeout step_timeout'),
    error: 'step_timeout',
  },
  {
    name: 'floods',
    body: `for (let line = 0; line < 100_000; line++) console.log('x'.repeat(99))`,
    attempts: ['ok null'],
    error: null,
  },
  {
    name: 'floods_raw',
    head: `import { writeSync } from 'node:fs'`,
    body: `for (let line = 0; line < 20_000; line++) writeSync(line % 2 + 1, 'x'.repeat(99) + '\\n')`,
    attempts: ['ok null'],
    error: null,
  },
  {
    name: 'writes_nul',
    body: `console.log('a\\0b \\ud800'); context.log.info('said', { n: 2n ** 60n })`,
    attempts: ['ok null'],
    error: null,
  },
  {
    name: 'returns_a_cycle',
    body: 'const a = {}; a.a = a; return a',
    attempts: ['fail output_not_serialisable'],
    error: 'output_not_serialisable',
  },
  {
    name: 'returns_a_function',
    body: 'return () => 1',
    attempts: ['fail output_not_serialisable'],
    error: 'output_not_serialisable',
  },
  {
    name: 'returns_nul',
    body: `return { text: 'a\\0b' }`,
    attempts: ['fail output_unstorable'],
    error: 'output_unstorable',
  },
  {
    name: 'returns_too_much',
    body: `return 'x'.repeat(2_000_000)`,
    attempts: ['fail output_too_large'],
    error: 'output_too_large',
  },
  {
    name: 'returns_too_deep',
    body: `let a = []; for (let n = 0; n < 100_000; n++) a = [a]; return a`,
    attempts: ['fail output_not_serialisable'],
    error: 'output_not_serialisable',
  },
  {
    name: 'wants_another_input',
    define: 'input: z.object({ missing: z.string() }),',
    body: 'return 1',
    attempts: ['fail invalid_input'],
    error: 'invalid_input',
  },
  {
    name: 'breaks_its_word',
    define: 'output: z.object({ text: z.string() }),',
    body: 'return { text: 1 }',
    attempts: ['fail invalid_output'],
    error: 'invalid_output',
  },
  {
    name: 'fills_its_heap',
    body: 'const all = []; for (;;) all.push(new Array(10_000).fill(context.attempt))',
    attempts: twice('crash out_of_memory'),
    error: 'out_of_memory',
  },
  {
    name: 'fills_the_memory',
    body: `const all = []; for (let n = 0; n < 40; n++) all.push(Buffer.alloc(10_000_000, 1)); await new Promise(() => {})`,
    attempts: twice('crash out_of_memory'),
    error: 'out_of_memory',
  },
  { name: 'looks_around', body: 'return process.env', attempts: ['ok null'], error: null },
]

const good = 40
const mixed = 40
/** Of `mixed`: which n misbehaves, and its transaction's error. */
const guilty = new Map([
  [7, 'exited'],
  [19, 'step_timeout'],
  [29, 'out_of_memory'],
])
/** Of `blocked`: this one blocks the process that it shares with the others until their common deadline. */
const blocking = 3
const blocked = 12

const topic = unique('functions')
const { producer } = await freshTopic(2, topic)
const scene = await freshScene(
  {
    ...Object.fromEntries(cases.map(({ name }) => [`${name}.yaml`, workflow(name)])),
    ...Object.fromEntries(cases.map((each) => [`functions/${each.name}.ts`, functionFile(each)])),
    'good.yaml': workflow('good'),
    'mixed.yaml': workflow('mixed'),
    'blocked.yaml': workflow('blocked', '1s'),
    'broken.yaml': workflow('broken'),
    'optional.yaml': `
name: optional
on: { kafka: { topic: ${topic}, type: optional } }
steps:
  - { id: odd, uses: gives_up, optional: true }
  - { id: skipped, uses: gives_up, when: '1 > 2' }
  - { id: then, uses: good, with: { n: 1, odd: '\${{ steps.odd.output }}', skipped: '\${{ steps.skipped.output }}' } }
`,
    'functions/good.ts': functionFile({ body: 'return input' }),
    'functions/mixed.ts': functionFile({
      body: `
    await new Promise((resolve) => setTimeout(resolve, 30))
    if (input.n === 7) process.exit(1)
    if (input.n === 19) for (;;) {}
    if (input.n === 29) { const all = []; for (;;) all.push(new Array(10_000).fill(1)) }
    return input`,
    }),
    'functions/blocked.ts': functionFile({
      body: `
    await new Promise((resolve) => setTimeout(resolve, input.n === ${blocking} ? 1 : 30))
    while (input.n === ${blocking}) {}
    return input`,
    }),
    'functions/broken.ts': 'export default defineFunction({',
  },
  {
    MILLRACE_FUNCTIONS_HEAP_MB: '64',
    MILLRACE_FUNCTIONS_RSS_MB: '256',
    MILLRACE_FUNCTIONS_ENV: 'MAY_BE_SEEN',
    MILLRACE_SEAL_KEY: 'must not be seen',
    MAY_BE_SEEN: 'yes',
    MUST_NOT_BE_SEEN: 'a secret',
    NODE_OPTIONS: '--no-warnings',
    LC_ALL: 'C',
  },
)
const coordinator = scene.start()
const once = [...cases.map((each) => each.name), 'optional', 'broken']
await producer.send({
  topic,
  messages: [
    ...once.map((name) => message(name, 0)),
    ...Array.from({ length: mixed }, (_, n) => message('mixed', n)),
    ...Array.from({ length: blocked }, (_, n) => message('blocked', n)),
    ...Array.from({ length: good }, (_, n) => message('good', n)),
  ],
})

test('a function that does not load holds its steps, says so, and burns nothing', async () => {
  const said = () => /"level":"error".*function broken cannot be run/.test(coordinator.logs())
  await until('the outage to be told', said, { forMs: 20_000 })
  await writeFile(join(scene.dir, 'functions/broken.ts'), functionFile({ body: `return 'mended'` }))
  await scene.ended(1, { workflow: 'broken' })
  assert.deepEqual(await attemptsOf('broken'), ['ok null'])
  assert.match(coordinator.logs(), /function broken can be run again/)
})

test('well-behaved functions beside them are called once each, and complete', async () => {
  await scene.ended(good, { workflow: 'good' })
  assert.deepEqual(await attemptsOf('good'), Array(good).fill('ok null'))
  assert.deepEqual(await endingsOf('good'), Array(good).fill(null))
})

for (const each of cases) {
  test(`${each.name}: ${each.attempts.join(', ')}`, async () => {
    await scene.ended(1, { workflow: each.name })
    assert.deepEqual(await attemptsOf(each.name), each.attempts)
    assert.deepEqual(await endingsOf(each.name), [each.error])
  })
}

test('of those that share a process only the guilty fail', async () => {
  await scene.ended(mixed, { workflow: 'mixed', forMs: 60_000 })
  assert.deepEqual(
    await endingsByN('mixed'),
    Array.from({ length: mixed }, (_, n) => guilty.get(n) ?? null),
  )
  const odd = await scene.ledger.query(
    `select n, a.* from millrace.attempts a
     join (select id, (event -> 'data' ->> 'n')::int as n from millrace.transactions) t on t.id = a.transaction_id
     where workflow = 'mixed' and not n = any($1) and outcome not in ('ok', 'lost')`,
    [[...guilty.keys()]],
  )
  assert.deepEqual(odd, [])
})

test('who blocks a process until the deadline of all in it is found, and the others complete', async () => {
  await scene.ended(blocked, { workflow: 'blocked', forMs: 60_000 })
  assert.deepEqual(
    await endingsByN('blocked'),
    Array.from({ length: blocked }, (_, n) => (n === blocking ? 'step_timeout' : null)),
  )
})

test('an optional step that fails, and one that is skipped, leave null behind', async () => {
  await scene.ended(1, { workflow: 'optional' })
  const steps = await scene.ledger.query(
    `select step, s.state, output from millrace.steps s join millrace.transactions t on t.id = s.transaction_id
     where workflow = 'optional' order by position`,
  )
  assert.deepEqual(steps, [
    { step: 'odd', state: 'failed', output: null },
    { step: 'skipped', state: 'skipped', output: null },
    { step: 'then', state: 'ok', output: { n: 1, odd: null, skipped: null } },
  ])
  assert.deepEqual(await endingsOf('optional'), [null])
})

test('what a function prints is in its attempt, also when it was killed, and no more than a limit', async () => {
  assert.match(await logsOf('hangs'), /^before\n/)
  assert.match(await logsOf('throws'), /Error: no\n\s+at .*functions\/throws\.ts:\d+/)
  assert.equal(await logsOf('writes_nul'), 'a\u2400b \ufffd\ninfo said {"n":"1152921504606846976"}\n')
  for (const name of ['floods', 'floods_raw']) {
    const logs = await logsOf(name)
    assert.match(logs, /^x{99}\n/, name)
    assert.match(logs, /\d{5,} (raw )?bytes more were dropped/, name)
    assert.ok(logs.length > 10_000 && logs.length < 20_000, `${name}: ${logs.length} characters`)
  }
})

test('what a function started is gone with it', async () => {
  const rows = await scene.ledger.query<{ logs: string }>(
    `select logs from millrace.attempts where workflow = 'leaves_a_child'`,
  )
  const pids = rows.map((row) => Number(row.logs))
  assert.ok(pids.length === 2 && pids.every((pid) => pid > 1))
  await until('the children to be gone', () => !pids.some(isAlive), { forMs: 5000 })
})

test('a function sees what is on the list, and nothing else', async () => {
  const [row] = await scene.ledger.query<{ output: Record<string, string> }>(
    `select output from millrace.attempts where workflow = 'looks_around'`,
  )
  const names = Object.keys(row?.output ?? {}).sort()
  assert.deepEqual(
    names.filter((name) => !['HOME', 'LANG', 'TZ', 'TMPDIR'].includes(name)),
    ['LC_ALL', 'MAY_BE_SEEN', 'PATH'],
  )
})

test('a coordinator that has seen all that stops in peace', async () => {
  await terminate(coordinator)
})

function message(type: string, n: number) {
  return { value: JSON.stringify({ n }), headers: cloudEvent(type, `${type}-${n}`) }
}

function workflow(name: string, timeout = '10s'): string {
  return `
name: ${name}
on: { kafka: { topic: ${topic}, type: ${name} } }
steps:
  - id: odd
    uses: ${name}
    with: { n: '\${{ event.data.n }}' }
    retry: { attempts: 2, initial: 20ms }
    timeout: ${name === 'hangs' || name === 'loops' || name === 'leaves_a_child' ? '600ms' : timeout}
`
}

function functionFile({ head = '', define = '', body }: Pick<Case, 'head' | 'define' | 'body'>): string {
  return `
import { defineFunction, fail, retry, z } from 'millrace'
${head}
export default defineFunction({
  ${define}
  async run({ input, context }) {
    ${body}
  },
})`
}

async function attemptsOf(name: string): Promise<string[]> {
  const rows = await scene.ledger.query<{ outcome: string; error_code: string | null }>(
    'select outcome, error_code from millrace.attempts where workflow = $1 order by transaction_id, attempt',
    [name],
  )
  return rows.map((row) => `${row.outcome} ${row.error_code}`)
}

async function endingsOf(name: string): Promise<(string | null)[]> {
  const rows = await scene.ledger.query<{ state: string; error_code: string | null }>(
    'select state, error_code from millrace.transactions where workflow = $1',
    [name],
  )
  for (const row of rows) assert.equal(row.state, row.error_code === null ? 'completed' : 'failed')
  return rows.map((row) => row.error_code)
}

async function endingsByN(name: string): Promise<(string | null)[]> {
  const rows = await scene.ledger.query<{ error_code: string | null }>(
    `select error_code from millrace.transactions where workflow = $1 order by (event -> 'data' ->> 'n')::int`,
    [name],
  )
  return rows.map((row) => row.error_code)
}

async function logsOf(name: string): Promise<string> {
  const [row] = await scene.ledger.query<{ logs: string | null }>(
    'select logs from millrace.attempts where workflow = $1 order by attempt limit 1',
    [name],
  )
  return row?.logs ?? ''
}
