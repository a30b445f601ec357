// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/**
 * Anything, by Kafka and by HTTP at once, into an engine as users run it: good events in every format, near ones and changed ones. Each
 * record has one outcome for each workflow, each request that was told 202 is there and no other, and the engine is as it was.
 * FUZZ_RUNS=… sends more of them, FUZZ_SEED=… others; `npm run test:long` prints its seed.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { Message } from 'kafkajs'
import type { FormatSpec } from '../../src/envelope/format.ts'
import { formatOf } from '../../src/envelope/formats/all.ts'
import type { Json } from '../../src/envelope/json.ts'
import * as any from '../envelope/formats/any.ts'
import { assertAccounted, heldSpans } from '../support/accounted.ts'
import { ask, doorOf, post } from '../support/door.ts'
import { fc } from '../support/fuzz.ts'
import { cloudEvent, freshAdmin } from '../support/kafka.ts'
import { type Change, changes, mutated } from '../support/mutate.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, unique } from '../support/servers.ts'

const count = Number(process.env.FUZZ_RUNS ?? 400)
const seed = Number(process.env.FUZZ_SEED ?? 1)
const requestsAtOnce = 8
const tornMax = 100
/** What V8 may leave lying before it looks; a record that stays would cost more at any length. */
const rssGrowthMbMax = 250

const kinds: Readonly<Record<string, readonly [FormatSpec, fc.Arbitrary<Json>]>> = {
  json: [{ kind: 'json' }, any.json],
  json5: [{ kind: 'json5' }, any.json],
  yaml: [{ kind: 'yaml' }, any.json],
  xml: [{ kind: 'xml' }, any.xml],
  form: [{ kind: 'form' }, any.form],
  csv: [{ kind: 'csv', columns: null, delimiter: ',' }, any.csv],
  msgpack: [{ kind: 'msgpack' }, any.json],
  cbor: [{ kind: 'cbor' }, any.json],
}
const types = Object.values(kinds).map(([spec]) => formatOf(spec)?.mediaTypes[0] ?? '')

/** What senders should not say, or not so, and names that JavaScript's objects have of themselves. */
const odd: readonly (readonly [string, string])[] = [
  ...(['__proto__', 'constructor', 'toString', ''] as const).map((name) => [name, 'x'] as const),
  ...[['ce_specversion', '0.3'] as const, ['ce_time', 'now'] as const, ['ce_id', 'the same'] as const],
  ...[['traceparent', 'x'] as const, ['idempotency-key', 'k'] as const],
  ...(['millrace-http', 'millrace-door', 'millrace-sealed', 'millrace-once', 'millrace-wire'] as const).map(
    (name) => [name, '{}'] as const,
  ),
]

interface Sent {
  readonly value: Buffer
  readonly type: string
  readonly key: Buffer | null
  readonly isEvent: boolean
  readonly odd: readonly (readonly [string, string])[]
  /** Of the bytes of the whole request. */
  readonly torn: readonly Change[]
  readonly path: string
  readonly method: string
}

const encoded = fc.oneof(
  ...Object.values(kinds).map(([spec, value]) =>
    value.map(
      (each) => [formatOf(spec)?.encode(each) ?? Buffer.alloc(0), formatOf(spec)?.mediaTypes[0] ?? ''] as const,
    ),
  ),
)
const type = fc.oneof(
  fc.constantFrom(...types),
  fc.constantFrom('', ';', 'a/b', 'application/cloudevents+json', 'x+json'),
)

const sent: fc.Arbitrary<Sent> = fc
  .record({
    good: encoded,
    damage: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, changes(1, 4)),
    other: fc.option(type, { freq: 3 }),
    key: fc.option(fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes))),
    isEvent: fc.boolean(),
    odd: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(fc.constantFrom(...odd), { maxLength: 3 })),
    torn: changes(1, 2),
    path: fc.oneof(
      any.text.map(encodeURIComponent),
      fc.constantFrom('..', '%2e%2e%2f', '%', '%00', '%ff', 'a?b=%zz&b=1'),
    ),
    method: fc.constantFrom('POST', 'POST', 'POST', 'PUT', 'DELETE'),
  })
  .map(({ good: [value, type], damage, other, ...rest }) => ({
    ...rest,
    value: mutated(value, damage),
    type: other ?? type,
  }))

function messageOf({ value, type, key, isEvent, odd }: Sent, n: number): Message {
  const event = isEvent ? Object.entries(cloudEvent('fuzzed', `event-${n}`)) : []
  return { key, value, headers: Object.fromEntries([['content-type', type], ...event, ...odd]) }
}

test('each record and each request has one outcome, whatever it holds', async (t) => {
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const topic = await freshTopic(2)
  const doorTopic = unique('door')
  const workflow = (name: string, on: string) => [
    `${name}.yaml`,
    `name: ${name}\non: { ${on} }\nsteps: [{ id: echo, uses: echo, with: { data: "\${{ event.data }}" } }]\n`,
  ]
  const scene = await freshScene(
    {
      ...Object.fromEntries(
        Object.keys(kinds).map((kind) => workflow(kind, `kafka: { topic: ${topic.name}, format: ${kind} }`)),
      ),
      ...Object.fromEntries([workflow('told', `kafka: ${topic.name}`)]),
      ...Object.fromEntries([
        workflow('page', `http: { path: "/plays/{film}", method: [POST, PUT], topic: ${doorTopic} }`),
      ]),
      'functions/echo.ts':
        "import { defineFunction } from 'millrace'\nexport default defineFunction({ run: ({ input }) => input })\n",
    },
    { MILLRACE_DOOR_PORT: '0', MILLRACE_DOOR_TOPIC_PARTITIONS: '2' },
  )
  const coordinator = scene.start()
  const port = await doorOf(coordinator)
  await scene.opened(4)
  const rssBefore = rssMb(coordinator.pid)

  const all = fc.sample(sent, { numRuns: count, seed })
  const records = topic.producer.send({ topic: topic.name, messages: all.map(messageOf) })
  const told = await askAll(port, all)
  await records
  const torn = await Promise.all(all.slice(0, tornMax).map((each) => statusesOf(port, each)))
  const accepted = told.flatMap(({ status, json }) => (status === 202 ? [json.id as string] : []))
  const refused = told.filter(({ status }) => status !== 202).map(({ status }) => status)
  assert.ok(accepted.length > count / 10 && refused.length > count / 10, `${accepted.length} of ${count} were accepted`)
  assert.deepEqual([...new Set(refused.filter((status) => status < 400 || status > 431))], [])

  const admin = await freshAdmin()
  const [spans, doorSpans] = [await heldSpans(admin, topic.name), await heldSpans(admin, doorTopic)]
  const held = (of: typeof spans) => of.reduce((sum, { from, to }) => sum + to - from, 0)
  const acceptedTorn = torn.flat().filter((status) => status === 202).length
  assert.ok(
    torn.flat().every((status) => status === 202 || (status >= 400 && status <= 505)),
    torn.join(' '),
  )
  assert.equal(held(doorSpans), accepted.length + acceptedTorn, 'what is written is what was accepted')
  const readTo = held(spans) + held(doorSpans)
  await scene.until('all of it to be read', `select sum(next_offset) = ${readTo} from millrace.lanes`, 60_000)
  await scene.until('it to end', 'select count(*) = 0 from millrace.transactions where ended_at is null', 60_000)

  await assertAccounted(scene.ledger, topic.name, [...Object.keys(kinds), 'told'], spans)
  await assertAccounted(scene.ledger, doorTopic, ['page'], doorSpans)
  const found = await scene.ledger.query<{ id: string }>("select id from millrace.transactions where workflow = 'page'")
  const ids = new Set(found.map(({ id }) => id))
  assert.equal(ids.size, held(doorSpans))
  assert.deepEqual(
    accepted.filter((id) => !ids.has(id)),
    [],
  )
  const states = await scene.ledger.query('select distinct state from millrace.transactions')
  assert.deepEqual(states, [{ state: 'completed' }])

  assert.equal((await post(port, '/plays/42', { good: true })).status, 202)
  assert.doesNotMatch(coordinator.logs(), /uncaught|unhandled|TypeError|RangeError|SyntaxError/i)
  assert.ok(rssMb(coordinator.pid) - rssBefore < rssGrowthMbMax)
  await terminate(coordinator)
})

/** A few at once, as pages do. */
async function askAll(port: number, all: readonly Sent[]) {
  const asked = all.entries()
  const answers: Awaited<ReturnType<typeof ask>>[] = []
  const client = async () => {
    for (const [, { value, type, path, method }] of asked) {
      answers.push(await ask(port, `/plays/${path}`, { method, headers: headersOf(type, value), body: value }))
    }
  }
  await Promise.all(Array.from({ length: requestsAtOnce }, client))
  return answers
}

/** Of a request whose bytes are not all as they were, as far as the door answers before it or we close. */
function statusesOf(port: number, { value, type, torn }: Sent): Promise<number[]> {
  const head = `POST /plays/7 HTTP/1.1\r\nHost: door\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${value.length}\r\n\r\n`
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(mutated(Buffer.concat([Buffer.from(head), value]), torn)),
    )
    // Whoever waits for more is told that there is none.
    const end = setTimeout(() => socket.end(), 3000)
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(end)
      resolve([...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status)))
    })
  })
}

/** Node's client says no length of a DELETE's body by itself. */
function headersOf(type: string, { length }: Buffer): Record<string, string> {
  return { 'content-type': type, 'content-length': String(length) }
}

function rssMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) / 1024
}
