// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of workflow files
/**
 * Who sends events over Kafka is found out, also after a restart, and by a redrive anew; credentials are seen by functions that
 * authenticate and by nobody else: not the ledger in the clear, not the logs, whatever goes wrong with the record, the transaction or
 * the function itself.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { millrace } from '../cli/millrace.ts'
import { atEnd } from '../support/at-end.ts'
import type { RunningCoordinator } from '../support/coordinator.ts'
import { cloudEvent } from '../support/kafka.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, servers, unique } from '../support/servers.ts'

/** One for each header, so that a leak tells where it comes from. */
const canaries = {
  authorization: `Bearer ${canary()}`,
  'X-API-Key': canary(),
  'X-Film-Key': canary(),
  cookie: `session=${canary()}`,
  'Proxy-Authorization': canary(),
}
const hashOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`
const secrets = await mkdtemp(join(tmpdir(), 'millrace-secrets-'))
atEnd(() => rm(secrets, { recursive: true, force: true }))
const writeSecret = (name: string, text: string) => writeFile(join(secrets, name), text)
await writeSecret('film_keys', `site ${hashOf(canaries['X-API-Key'])} billing,reader\n`)
await writeSecret('late_keys', '# nobody yet\n')
await writeSecret('own_keys', `own ${hashOf(canaries['X-Film-Key'])}\n`)

/** Workflows by the type of their events: `auth`, and the fields of their one step. */
const keyed = '[{ apiKey: { keys: film_keys } }]'
const says = "with: { who: '${{ event.auth.principal }}', auth: '${{ event.auth }}', meta: '${{ event.meta }}' }"
const workflows: Readonly<Record<string, { auth: string; step: string; value?: string; more?: string }>> = {
  keyed: { auth: keyed, step: `uses: echo, ${says.replace("'${{ event.auth }}'", "'${{ event.auth.roles }}'")}` },
  own_header: {
    auth: '[{ apiKey: { keys: own_keys, header: X-Film-Key } }]',
    step: "uses: echo, with: { meta: '${{ event.meta }}' }",
  },
  by_function: {
    auth: '[{ id: check, function: check }]',
    step: "uses: echo, with: { who: '${{ event.auth.principal }}', org: '${{ event.auth.by.check.claims.org }}' }",
  },
  both: {
    auth: '{ all: [{ apiKey: { keys: film_keys } }, { function: check }] }',
    step: "uses: echo, with: { by: '${{ event.auth.by.function.principal }}' }",
  },
  waits: { auth: keyed, step: "uses: wait, with: { who: '${{ event.auth.principal }}' }" },
  allowed: { auth: keyed, step: 'uses: echo, require: "\'billing\' in event.auth.roles"' },
  forbidden: { auth: keyed, step: 'uses: echo, require: "\'admin\' in event.auth.roles"' },
  misplaced: { auth: keyed, step: 'uses: check' },
  failing: { auth: keyed, step: 'uses: refuse', more: 'deadLetter: { failed: true }' },
  late: { auth: '[{ apiKey: { keys: late_keys } }]', step: 'uses: echo' },
  refused: { auth: '[{ function: refuse_all }]', step: 'uses: echo' },
  throwing: { auth: '[{ function: throws }]', step: 'uses: echo' },
  bad_json: { auth: keyed, step: 'uses: echo', value: '{"half": ' },
}
const dead = ['late', 'refused', 'throwing', 'bad_json']

const { name: topic, producer } = await freshTopic(1)
const env = { MILLRACE_SEAL_KEY: canary(), MILLRACE_LOG_LEVEL: 'debug', MILLRACE_SECRETS_DIR: secrets }
const authenticator = (body: string) => `
import { createHash } from 'node:crypto'
import { defineFunction, fail, z } from 'millrace'
export default defineFunction({
  authenticates: true,
  input: z.object({ headers: z.record(z.string(), z.any()), body: z.string(), time: z.string(), http: z.null() }),
  run({ input: { headers, body } }) {
    console.log('seen', JSON.stringify(headers))
    ${body}
  },
})`
const scene = await freshScene(
  {
    ...Object.fromEntries(Object.keys(workflows).map((type) => [`${type}.yaml`, fileOf(type)])),
    'functions/echo.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => input })`,
    'functions/wait.ts': `
import { defineFunction, retry } from 'millrace'
export default defineFunction({
  run: ({ input, context }) => (context.attempt === 1 ? retry('later', 'after a while', { afterMs: 1500 }) : input),
})`,
    'functions/refuse.ts': `
import { defineFunction, fail } from 'millrace'
export default defineFunction({ run: () => fail('no', 'not today') })`,
    'functions/check.ts': authenticator(`
    const hash = createHash('sha256').update(headers.authorization).digest('hex')
    const isKnown = 'sha256:' + hash === '${hashOf(canaries.authorization)}'
    return isKnown && body === 'e30=' ? { principal: 'ann', roles: ['viewer'], claims: { org: 'o-1' } } : fail('unknown', hash)`),
    'functions/refuse_all.ts': authenticator('return fail(headers.cookie.slice(0, 90), headers.authorization)'),
    'functions/throws.ts': authenticator(
      "throw Object.assign(new Error(headers.authorization), { code: headers['x-api-key'] })",
    ),
  },
  env,
)
const coordinators: RunningCoordinator[] = [scene.start()]
const types = Object.keys(workflows)
await producer.send({
  topic,
  messages: types.map((type) => ({
    value: workflows[type]?.value ?? '{}',
    headers: { ...cloudEvent(type, type), ...canaries, 'x-plain': 'seen' },
  })),
})

test('who sent an event is known to the steps that ask, and nothing of how', async () => {
  await scene.ended(8)
  const meta = { 'x-plain': 'seen' }
  assert.deepEqual(await outputOf('keyed'), { who: 'site', auth: ['billing', 'reader'], meta })
  assert.deepEqual(await outputOf('own_header'), { meta })
  assert.deepEqual(await outputOf('by_function'), { who: 'ann', org: 'o-1' })
  assert.deepEqual(await outputOf('both'), { by: 'ann' })
  const [{ auth }] = (await scene.ledger.query(
    `select event -> 'auth' as auth from millrace.transactions where workflow = 'both'`,
  )) as [{ auth: { principal: string; by: object } }]
  assert.deepEqual([auth.principal, Object.keys(auth.by).sort()], ['site', ['apiKey', 'function']])
})

test('a step demands what its sender may, and no step runs a function that authenticates', async () => {
  const codes = await scene.ledger.query<{ workflow: string; state: string; code: string | null }>(
    `select workflow, state, error_code as code from millrace.transactions
     where workflow in ('allowed', 'forbidden', 'misplaced') order by 1`,
  )
  assert.deepEqual(codes, [
    { workflow: 'allowed', state: 'completed', code: null },
    { workflow: 'forbidden', state: 'failed', code: 'forbidden' },
    { workflow: 'misplaced', state: 'failed', code: 'authenticator' },
  ])
})

test('who it was survives a restart', async () => {
  await scene.until('the delay', `select count(*) = 1 from millrace.steps where state = 'waiting'`)
  await terminate(coordinators[0] as RunningCoordinator)
  coordinators.push(scene.start())
  await scene.ended(1, { workflow: 'waits' })
  assert.deepEqual(await outputOf('waits'), { who: 'site' })
})

test('who is refused is a dead letter that says what was tried', async () => {
  await scene.ended(types.length - dead.length)
  // A function that throws is asked again before it is given up.
  const all = `select count(distinct code || coalesce(workflow, '')) >= ${dead.length} from millrace.dead_letters`
  await scene.until('the dead letters', `${all} where transaction_id is null`)
  const letters = await scene.ledger.query<{ workflow: string; code: string; reason: string; headers: object }>(
    `select workflow, code, reason, headers from millrace.dead_letters where transaction_id is null order by 1 nulls last`,
  )
  assert.deepEqual(
    letters.map(({ workflow, code, reason }) => ({ workflow, code, reason: code === 'value_not_json' ? '' : reason })),
    [
      { workflow: 'late', code: 'unauthenticated', reason: 'nobody was found to have sent it: it takes apiKey' },
      { workflow: 'refused', code: 'unauthenticated', reason: 'nobody was found to have sent it: it takes function' },
      { workflow: 'throwing', code: 'authenticator_failed', reason: 'throws gave no answer: it threw an error' },
      ...Array(letters.length - 3).fill({ workflow: letters[3]?.workflow ?? null, code: 'value_not_json', reason: '' }),
    ],
  )
  assert.ok(letters.every((row) => 'x-plain' in row.headers))
})

test('a redrive looks anew at the credentials that were sealed, as of when they were sent', async () => {
  const redrive = async (workflow: string) => {
    const where = ['--where', `workflow = '${workflow}' and state = 'open'`]
    const { stdout, stderr } = await millrace(scene.dir, ['redrive', ...where, '--json'], {
      env: { DATABASE_URL: scene.ledger.databaseUrl },
    })
    assert.equal(stderr, '')
    return JSON.parse(stdout) as { result: string; answer: string }[]
  }
  const [before] = await redrive('late')
  assert.equal(before?.result, 'refused')
  assert.match(before?.answer ?? '', /nobody was found/)
  await writeSecret('late_keys', `newcomer ${hashOf(canaries['X-API-Key'])}\n`)
  await scene.until('the file to be read again', 'select pg_sleep(1.2) is not null')
  const [after] = await redrive('late')
  assert.equal(after?.result, 'done')
  await scene.ended(1, { workflow: 'late' })
  const [failed] = await redrive('failing')
  assert.equal(failed?.result, 'done')
})

test('they are in no column of the ledger, in no form', async () => {
  await terminate(coordinators.at(-1) as RunningCoordinator)
  const [kept] = await scene.ledger.query(
    `select count(auth)::int as auth, (select count(*) = count(sealed) from millrace_data.dead_letter) as sealed
     from millrace_data.transaction`,
  )
  assert.deepEqual(kept, { auth: 0, sealed: true })
  const cells = await everyCell()
  assert.ok(cells.length > 200 && cells.some(({ text }) => text.includes('seen')), 'the ledger was not read')
  const found = cells.flatMap(({ place, text }) => leaks(text).map((header) => `${header} in ${place}: ${text}`))
  assert.deepEqual(found, [])
})

test('verify finds the ledger as Kafka and these events have it', async () => {
  const { brokers } = await servers()
  const { code, stdout, stderr } = await millrace(scene.dir, ['verify', '--deep'], {
    env: {
      ...{ DATABASE_URL: scene.ledger.databaseUrl, KAFKA_BROKERS: brokers.join(',') },
      ...{ MILLRACE_ENGINE: scene.engine, MILLRACE_SEAL_KEY: env.MILLRACE_SEAL_KEY },
    },
  })
  assert.equal(code, 0, stdout + stderr)
})

test('they are in no log', () => {
  for (const { logs } of coordinators) {
    assert.ok(logs().includes('"level":"debug"'))
    assert.deepEqual(
      logs()
        .split('\n')
        .filter((line) => leaks(line).length > 0),
      [],
    )
  }
})

function canary(): string {
  return unique(`canary${randomBytes(12).toString('hex')}`)
}

/** Headers whose value is in the text, or a piece of it long enough to tell, plain, as hex, or as base64. */
function leaks(text: string): string[] {
  return Object.entries(canaries).flatMap(([header, value]) => {
    const secret = /canary(\w{16})/.exec(value)?.[1] ?? ''
    const forms = [secret, Buffer.from(secret).toString('hex'), ...base64Pieces(secret)]
    return forms.some((form) => text.toLowerCase().includes(form.toLowerCase())) ? [header] : []
  })
}

/** Wherever in a longer text it begins: what all such texts have in common. */
function base64Pieces(secret: string): string[] {
  return [0, 1, 2].map((before) =>
    Buffer.from(' '.repeat(before) + secret)
      .toString('base64')
      .slice(4, -6),
  )
}

/** Every value of every table of the database, as text; bytes as hex. */
async function everyCell(): Promise<{ place: string; text: string }[]> {
  const columns = await scene.ledger.query<{ place: string; sql: string }>(
    `select format('%s.%s.%s', table_schema, table_name, column_name) as place,
            format('select %I::text as text from %I.%I where %I is not null', column_name, table_schema, table_name, column_name) as sql
     from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema')`,
  )
  const cells: { place: string; text: string }[] = []
  for (const { place, sql } of columns) {
    const rows = await scene.ledger.query<{ text: string }>(sql)
    cells.push(...rows.map(({ text }) => ({ place, text })))
  }
  return cells
}

async function outputOf(workflow: string): Promise<unknown> {
  const [row] = await scene.ledger.query(
    `select output from millrace.attempts where workflow = $1 and outcome = 'ok'`,
    [workflow],
  )
  return row?.output
}

function fileOf(type: string): string {
  const { auth, step, more = '' } = workflows[type]!
  return `
name: ${type}
on: { kafka: { topic: ${topic}, type: ${type} } }
auth: ${auth}
${more}
steps:
  - { id: one, ${step}, retry: { attempts: 2 } }
`
}
