/**
 * Secret fields reach the functions that name them, also after a crash, and nothing else: whatever goes right or wrong with the
 * event, they are in no cell of the database, no log, no output of a command, no message and no file.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { until } from '../../src/base/poll.ts'
import { millrace } from '../cli/millrace.ts'
import { atEnd } from '../support/at-end.ts'
import type { RunningCoordinator } from '../support/coordinator.ts'
import { ask, doorOf, post } from '../support/door.ts'
import { cloudEvent } from '../support/kafka.ts'
import { freshProject } from '../support/project.ts'
import { freshReader } from '../support/reader.ts'
import { freshScene, kill, terminate } from '../support/scene.ts'
import { freshTopic, servers, unique } from '../support/servers.ts'

/** One for each place, so that a leak tells where it comes from; with signs that every encoding writes in its own way. */
const canaries = {
  card: canary(),
  holder: canary(),
  one: canary(),
  two: canary(),
  header: canary(),
  iban: canary(),
  mended: canary(),
  posted: canary(),
}
const pin = 1_000_000_000 + Number.parseInt(randomBytes(3).toString('hex'), 16)

const ways = [
  'echo',
  'retry',
  'fail',
  'crash',
  'spawn',
  'timeout',
  'stray',
  'garbage',
  'late',
  'invalid',
  'expression',
] as const

const events = await freshTopic(1)
const signals = await freshTopic(1)
const posted = await freshTopic(1)
const dead = await freshTopic(1)
const published = await freshTopic(1)
const cacheHome = await freshProject({})
const collector = await freshCollector()
const sealed = {
  MILLRACE_SEAL_KEY: unique('a long random seal key'),
  MILLRACE_LOG_LEVEL: 'debug',
  XDG_CACHE_HOME: cacheHome,
  TMPDIR: cacheHome,
  MILLRACE_DOOR_PORT: '0',
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_TRACES_SAMPLER: 'always_on',
}
const classify = `
classify:
  data.card: secret
  data.pin: secret
  data.cards[*].number: secret
  meta.x-card: secret`

const files = {
  'pay.yaml': `
name: pay
on: { kafka: { topic: ${events.name}, type: pay } }
${classify}
key: event.data.key
deadLetter: { topic: ${dead.name}, failed: true }
publish:
  completed: { topic: ${published.name}, value: { data: "\${{ event.data }}", meta: "\${{ event.meta }}" } }
  failed: { topic: ${published.name}, value: { data: "\${{ event.data }}", why: "\${{ error.message }}" } }
steps:
  - id: reserve
    uses: reserve
    with: { card: "\${{ event.data.card }}" }
    compensate: { uses: release, with: { card: "\${{ event.data.card }}", all: "\${{ event.data }}" } }
  - id: charge
    uses: charge
    with:
      how: \${{ event.data.how }}
      card: \${{ event.data.card.number }}
      holder: \${{ event.data.card.holder }}
      pin: \${{ event.data.pin }}
      header: \${{ event.meta["x-card"] }}
      nothing: '\${{ event.data.how == "expression" ? event.data.nothing[event.data.card.number] : null }}'
    retry: { attempts: 2, initial: 10ms }
    timeout: 2s
    publish: { topic: ${published.name}, key: steps.charge.output.hash, value: "\${{ steps.charge.output }}" }
  - { id: strict, when: event.data.how == "invalid", uses: strict, with: "\${{ event.data.card.number }}", retry: { attempts: 1 } }
  - id: each
    forEach: event.data.cards
    as: card
    steps:
      - { id: bill, uses: bill, with: { number: "\${{ event.data.cards[card_index].number }}", seen: "\${{ card }}" } }
  - { id: inner, call: child, with: { all: "\${{ event.data }}", bills: "\${{ steps.each.output }}", inner: [{ card: "\${{ event.data.card.number }}" }] } }`,
  'child.yaml': `
name: child
classify: { data.inner.card: secret }
steps:
  - { id: look, uses: look, with: "\${{ event.data }}" }
  - { id: inside, uses: bill, with: { number: "\${{ event.data.inner[0].card }}" } }`,
  'waits.yaml': `
name: waits
on: { kafka: { topic: ${events.name}, type: waits } }
${classify}
signals: { ${signals.name}: { classify: { data.iban: secret }, key: event.data.key } }
steps:
  - { id: wait, wait: { topic: ${signals.name}, key: event.data.key, match: signal.data.ok } }
  - { id: look, uses: look, with: { signal: "\${{ steps.wait.output }}", event: "\${{ event.data }}" } }`,
  'door.yaml': `
name: door
on:
  http:
    topic: ${posted.name}
    path: /pay
    respond: { wait: 20s, with: { all: "\${{ event.data }}", hash: "\${{ steps.bill.output.hash }}" } }
classify: { data.card: secret }
steps:
  - { id: bill, uses: bill, with: { number: "\${{ event.data.card.number }}" } }`,
  'functions/reserve.ts': passing(`console.log('reserving', input)\n    return { reserved: input.card }`),
  'functions/release.ts': passing(`console.log('releasing', input)\n    return input`),
  'functions/look.ts': passing('return input'),
  'functions/bill.ts': `
import { createHash } from 'node:crypto'
${passing(`console.log(input.number)\n    return { hash: createHash('sha256').update(input.number).digest('hex'), input }`)}`,
  'functions/strict.ts': `
import { defineFunction, z } from 'millrace'
export default defineFunction({
  input: z.string().refine(() => false, { error: (issue) => 'no card: ' + issue.input }),
  run: () => null,
})`,
  'functions/charge.ts': `
import { trace } from '@opentelemetry/api'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { defineFunction, fail, retry } from 'millrace'
export default defineFunction({
  concurrency: 1,
  async run({ input, context }) {
    const { how, card, holder, pin, header } = input
    const all = [card, holder, pin, header].join(' ')
    const hash = createHash('sha256').update([card, holder, pin, header].join()).digest('hex')
    const first = context.attempt === 1
    console.log('charging', input)
    trace.getTracer('test').startActiveSpan('charging ' + card, { attributes: { card } }, (span) => {
      span.recordException(new Error('told of ' + all))
      span.end()
    })
    context.log.info('charging', { card, again: JSON.stringify({ card }) })
    if (how === 'retry' && first) throw Object.assign(new Error('no luck with ' + all), { code: card, cause: { message: card } })
    if (how === 'late' && first) return retry('later', 'not now, ' + all, { afterMs: 4000 })
    if (how === 'fail') return fail('declined ' + card, 'declined: ' + encodeURIComponent(all))
    if (how === 'crash') {
      writeSync(2, 'dying of ' + all)
      process.exit(3)
    }
    if (how === 'spawn') {
      spawnSync('sh', ['-c', 'echo "$0" >&2; echo "$0"', all], { stdio: 'inherit' })
      return { hash }
    }
    if (how === 'timeout') await new Promise(() => process.stdout.write('waiting for ' + all))
    if (how === 'stray' && first) {
      setTimeout(() => { throw new Error('astray with ' + all) })
      await new Promise(() => {})
    }
    if (how === 'garbage' && first) {
      writeSync(4, all + '\\n' + all + '\\n')
      await new Promise(() => {})
    }
    if (how === 'echo') {
      context.emit({ topic: ${JSON.stringify(published.name)}, key: card, value: { input, text: JSON.stringify(input) }, headers: { card, b: Buffer.from(all).toString('base64') } })
      context.post({ debit: 'card:' + card, credit: 'clearing', amount: 1, currency: 'EUR', party: holder, key: 'charge ' + card })
      return { hash, input, [card]: pin, hex: Buffer.from(all).toString('hex'), url: new URLSearchParams({ card }).toString() }
    }
    return { hash }
  },
})`,
}

const scene = await freshScene(files, sealed)
const coordinators: RunningCoordinator[] = [scene.start()]
const reader = await freshReader([dead.name, published.name, posted.name])
/** Whatever a command has said. */
const said: string[] = []
const desk = await freshProject({})

async function cli(...args: string[]): Promise<string> {
  const { brokers } = await servers()
  const env = {
    DATABASE_URL: scene.ledger.databaseUrl,
    KAFKA_BROKERS: brokers.join(','),
    MILLRACE_ENGINE: scene.engine,
    ...sealed,
  }
  const { stdout, stderr } = await millrace(desk, args, { env })
  said.push(stdout, stderr)
  return stdout + stderr
}

function eventOf(how: string, more: object = {}) {
  const card = { number: canaries.card, holder: canaries.holder }
  const cards = [{ number: canaries.one, kind: 'credit' }, { number: canaries.two }]
  return { how, key: how, card, pin, cards, ...more }
}

await events.producer.send({
  topic: events.name,
  messages: [
    ...ways.map((how) => paying(how, JSON.stringify(eventOf(how)))),
    paying('broken', `{"card": ${canaries.card}, "half`),
    paying('no-key', JSON.stringify({ ...eventOf('no-key'), key: { no: 'key' } })),
    paying('other-form', JSON.stringify({ ...eventOf('other-form'), card: canaries.card, cards: canaries.one })),
    { value: JSON.stringify(eventOf('waits')), headers: cloudEvent('waits', 'waits') },
  ],
})
await signals.producer.send({
  topic: signals.name,
  messages: [
    { value: JSON.stringify({ key: 'waits', ok: true, iban: canaries.iban }) },
    { value: `not json ${canaries.iban}` },
    { value: JSON.stringify({ key: [canaries.card], iban: canaries.iban }) },
  ],
})

function paying(id: string, value: string) {
  return { value, headers: { ...cloudEvent('pay', id), 'X-Card': canaries.header } }
}

const hash = createHash('sha256').update([canaries.card, canaries.holder, pin, canaries.header].join()).digest('hex')

test('functions are given what they name, also after a coordinator was killed', async () => {
  await scene.until('the delay', `select count(*) = 1 from millrace.steps where state = 'waiting' and step = 'charge'`)
  await kill(coordinators[0] as RunningCoordinator)
  const other = scene.start({ MILLRACE_SEAL_KEY: unique('another seal key') })
  coordinators.push(other)
  const isTold = () => /"level":"error".*cannot be opened with this seal key/.test(other.logs())
  await until('a message', isTold, { forMs: 30_000 })
  await terminate(other)
  coordinators.push(scene.start())
  // All, their children, and the one that waits.
  await scene.until(
    'all to end',
    `select count(*) filter (where ended_at is null) = 0 and count(*) filter (where workflow = 'pay') = ${ways.length + 1} from millrace.transactions`,
    60_000,
  )
  const rows = await scene.ledger.query<{ event: string; hash: string }>(
    `select t.event_id as event, a.output ->> 'hash' as hash from millrace.attempts a join millrace.transactions t on t.id = a.transaction_id
     where a.step = 'charge' and a.outcome = 'ok' order by 1`,
  )
  const paid = ['echo', 'garbage', 'invalid', 'late', 'retry', 'spawn', 'stray']
  assert.deepEqual(
    rows,
    paid.map((event) => ({ event, hash })),
  )
  const bills = await scene.ledger.query<{ output: unknown }>(
    `select output from millrace.attempts where step = 'bill' and outcome = 'ok' and transaction_id = (select id from millrace.transactions where event_id = 'late') order by item`,
  )
  assert.deepEqual(
    bills.map(({ output }) => output),
    [canaries.one, canaries.two].map((number, at) => ({
      hash: createHash('sha256').update(number).digest('hex'),
      input: { number: '[secret]', seen: at === 0 ? { number: '[secret]', kind: 'credit' } : { number: '[secret]' } },
    })),
  )
})

test('what is called is given what its caller names for it', async () => {
  const rows = await scene.ledger.query<{ output: unknown }>(
    `select distinct on (output::text) output from millrace.attempts where step = 'inside' and outcome = 'ok'`,
  )
  const number = createHash('sha256').update(canaries.card).digest('hex')
  assert.deepEqual(rows, [{ output: { hash: number, input: { number: '[secret]' } } }])
})

test('what comes over HTTP is sealed before it is in Kafka', async () => {
  const port = await doorOf(coordinators.at(-1) as RunningCoordinator)
  const { status, text, json } = await post(port, '/pay', { card: { number: canaries.posted }, n: 1 })
  said.push(text)
  assert.equal(status, 200, text)
  const bill = createHash('sha256').update(canaries.posted).digest('hex')
  assert.deepEqual(json, { all: { card: '[secret]', n: 1 }, hash: bill })
  const bad = await ask(port, '/pay', {
    headers: { 'content-type': 'application/json' },
    body: `{"card": ${canaries.posted}`,
  })
  assert.equal(bad.status, 400, bad.text)
})

test('each way to go wrong is told, without them', async () => {
  const rows = await scene.ledger.query<{ event: string; code: string; message: string; state: string }>(
    `select event_id as event, state, error_code as code, error_message as message from millrace.transactions
     where workflow = 'pay' and state <> 'completed' order by 1`,
  )
  const told = Object.fromEntries(rows.map(({ event, code, state }) => [event, `${state} ${code}`]))
  assert.deepEqual(told, {
    crash: 'compensated exited',
    expression: 'compensated expression_failed',
    fail: 'compensated declined [secret]',
    invalid: 'compensated invalid_input',
    'other-form': 'compensated expression_failed',
    timeout: 'compensated step_timeout',
  })
  const letters = await scene.ledger.query<{ code: string; n: number; sealed: number }>(
    `select code, count(*)::int as n, count(headers ->> 'millrace-sealed')::int as sealed from millrace.dead_letters group by 1 order by 1`,
  )
  assert.deepEqual(letters, [
    { code: 'declined [secret]', n: 1, sealed: 1 },
    { code: 'exited', n: 1, sealed: 1 },
    { code: 'expression_failed', n: 4, sealed: 4 },
    { code: 'invalid_input', n: 1, sealed: 1 },
    { code: 'step_timeout', n: 1, sealed: 1 },
    { code: 'value_not_json', n: 2, sealed: 2 },
  ])
})

test('what names something still tells one from another', async () => {
  const [posting] = await scene.ledger.query<{ debit: string; party: string; charge_key: string }>(
    'select debit, party, charge_key from millrace.postings',
  )
  for (const name of Object.values(posting ?? {})) assert.match(name, /^secret-[0-9a-f]{16}$/)
  assert.equal(new Set(Object.values(posting ?? {})).size, 3)
})

test('a dead letter is opened by a redrive, edited or not, and by nothing else', async () => {
  await cli('dead-letters', '--json')
  await cli('dead-letters')
  const refused = await cli('redrive', '--where', `code = 'value_not_json' and topic = '${events.name}'`, '--json')
  assert.match(refused, /refused/)
  const edit = await freshProject({
    'edit.mjs': `export default (value, letter) => {
  if (!value.includes(${JSON.stringify(canaries.card)}) || letter.headers['X-Card'] === undefined) throw new Error('not opened')
  return JSON.stringify({ ...${JSON.stringify(eventOf('mended'))}, card: { number: ${JSON.stringify(canaries.mended)}, holder: 'x' } })
}`,
  })
  await cli(
    'redrive',
    '--where',
    `code = 'value_not_json' and topic = '${events.name}'`,
    '--edit',
    join(edit, 'edit.mjs'),
  )
  await cli('redrive', '--where', `code = 'step_timeout'`)
  await scene.until(
    'both to end',
    `select count(*) = 2 and bool_and(ended_at is not null) from millrace.transactions where redriven_from is not null`,
  )
  const rows = await scene.ledger.query<{ event: string; state: string; hash: string }>(
    `select event_id as event, t.state, a.output ->> 'hash' as hash from millrace.transactions t
     left join millrace.attempts a on a.transaction_id = t.id and a.step = 'charge' and a.outcome = 'ok'
     where redriven_from is not null order by 1`,
  )
  const mended = createHash('sha256').update([canaries.mended, 'x', pin, canaries.header].join()).digest('hex')
  assert.deepEqual(rows, [
    { event: 'broken', state: 'completed', hash: mended },
    { event: 'timeout', state: 'compensated', hash: null },
  ])
})

test('the ledger holds against Kafka, with the key and without', async () => {
  for (const env of [{}, { MILLRACE_SEAL_KEY: '' }]) {
    const { brokers } = await servers()
    const all = {
      DATABASE_URL: scene.ledger.databaseUrl,
      KAFKA_BROKERS: brokers.join(','),
      MILLRACE_ENGINE: scene.engine,
      ...sealed,
      ...env,
    }
    const { code, stdout, stderr } = await millrace(desk, ['verify', '--deep'], { env: all })
    said.push(stdout, stderr)
    assert.equal(code, 0, stdout + stderr)
  }
})

test('they are in nothing that a command says', async () => {
  const ids = await scene.ledger.query<{ id: string }>('select id from millrace.transactions')
  assert.ok(ids.length > 20)
  for (const { id } of ids.slice(0, 8)) {
    await cli('show', id)
    await cli('show', id, '--json')
  }
  await cli('list', '--json')
  await cli('signals', '--json')
  assert.ok(said.join('').length > 10_000)
  assert.deepEqual(leaksIn(said.map((text, at) => [`command ${at}`, text])), [])
})

test('they are in no message that was published', async () => {
  await scene.until('the outbox', `select count(*) = 0 from millrace.outbox where state = 'pending'`)
  const [count] = await scene.ledger.query<{ n: number }>(`select count(*)::int as n from millrace.outbox`)
  // And what the door has written.
  await reader.until((count?.n ?? 0) + 1)
  for (const { name } of [dead, published, posted]) assert.ok(reader.seen.some(({ topic }) => topic === name))
  const texts = reader.seen.flatMap(({ topic, offset, key, value, headers }) =>
    [key, value, ...Object.values(headers).flat()].map(
      (bytes) => [`${topic}/${offset}`, bytes?.toString('latin1') ?? ''] as const,
    ),
  )
  assert.deepEqual(leaksIn(texts), [])
})

test('they are in no column of the ledger, in no form', async () => {
  const cells = await everyCell()
  assert.ok(cells.length > 500 && cells.some(([, text]) => text.includes('$sealed')), 'the ledger was not read')
  assert.deepEqual(leaksIn(cells), [])
})

test('they are in no log', async () => {
  await terminate(coordinators.at(-1) as RunningCoordinator)
  const lines = coordinators.flatMap(({ logs }) => logs().split('\n'))
  assert.ok(
    lines.some((line) => line.includes('"level":"debug"')) && lines.some((line) => line.includes('dead letter')),
  )
  assert.deepEqual(leaksIn(lines.map((line) => ['log', line])), [])
})

test('they are in no trace and no metric', () => {
  assert.ok(
    collector.bodies.some((body) => body.includes('charge')),
    'spans were told',
  )
  assert.deepEqual(leaksIn(collector.bodies.map((body) => ['telemetry', body])), [])
})

test('they are in no file that was left', () => {
  const left = readdirSync(cacheHome, { recursive: true, encoding: 'utf8' })
    .map((name) => join(cacheHome, name))
    .filter((name) => statSync(name).isFile())
  assert.ok(left.length > 3, 'functions are built there')
  assert.deepEqual(leaksIn(left.map((name) => [name, readFileSync(name, 'latin1')])), [])
  assert.notEqual(cacheHome, tmpdir())
})

/** Takes whatever OTLP brings, as it comes: texts in protobuf are as they are. */
async function freshCollector(): Promise<{ readonly url: string; readonly bodies: string[] }> {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const whole = Buffer.concat(chunks)
      bodies.push((request.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole).toString('latin1'))
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies }
}

function canary(): string {
  return `canary ${randomBytes(12).toString('hex')}"é/+`
}

function leaksIn(texts: readonly (readonly [string, string])[]): string[] {
  return texts.flatMap(([place, text]) => leaks(text).map((name) => `${name} in ${place}: ${text.slice(0, 2000)}`))
}

/** Names of those that are in the text, or a piece long enough to tell: plain, as hex, or as base64. */
function leaks(text: string): string[] {
  const lower = text.toLowerCase()
  const found = Object.entries(canaries).filter(([, value]) => {
    const secret = value.slice(7, 23)
    const forms = [secret, Buffer.from(secret).toString('hex'), ...base64Pieces(secret)]
    return forms.some((form) => lower.includes(form.toLowerCase()))
  })
  return [...found.map(([name]) => name), ...(text.includes(String(pin)) ? ['pin'] : [])]
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
async function everyCell(): Promise<[place: string, text: string][]> {
  const columns = await scene.ledger.query<{ place: string; sql: string }>(
    `select format('%s.%s.%s', table_schema, table_name, column_name) as place,
            format('select %I::text as text from %I.%I where %I is not null', column_name, table_schema, table_name, column_name) as sql
     from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema')`,
  )
  const cells: [string, string][] = []
  for (const { place, sql } of columns) {
    const rows = await scene.ledger.query<{ text: string }>(sql)
    cells.push(...rows.map(({ text }): [string, string] => [place, text]))
  }
  return cells
}

function passing(body: string): string {
  return `
import { defineFunction } from 'millrace'
export default defineFunction({
  run({ input }) {
    ${body}
  },
})`
}
