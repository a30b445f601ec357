/** A ledger in which everything has happened once: what a coordinator made of good, bad, odd, late and doubled records. */
import assert from 'node:assert/strict'
import pg from 'pg'
import { createClient } from '../../src/intake/client.ts'
import { readRetained } from '../../src/intake/retained.ts'
import { Topics } from '../../src/intake/topics.ts'
import { type Identity, idempotencyKey } from '../../src/transaction/ids.ts'
import type { KafkaView } from '../../src/verify/kafka.ts'
import { type Report, type VerifyOptions, verify } from '../../src/verify/verify.ts'
import { atEnd } from '../support/at-end.ts'
import { cloudEvent, freshProducer } from '../support/kafka.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, servers, type TestLedger, unique } from '../support/servers.ts'

export const customers = 6

/** `odd`: what its pay step does besides. */
const odd = ['', '', 'retries', '', 'declines', 'mute', 'twice', '']

export interface Ground {
  readonly topic: string
  readonly ledger: TestLedger
  readonly kafka: KafkaView
  /** Lines of the provider's book that agree with the ledger. */
  readonly book: readonly string[]
  /** What `millrace` needs in its environment. */
  readonly env: Record<string, string>
}

/** `pauseMs`: a third of it happens, and has ended, so long before the rest. */
export async function freshGround(pauseMs = 0): Promise<Ground> {
  const topic = unique('sales')
  const { producer } = await freshTopic(2, topic)
  const engine = unique('engine')
  const scene = await freshScene(files(topic), { MILLRACE_ENGINE: engine })
  const coordinator = scene.start()
  const messages = Array.from({ length: 120 }, (_, at) => ({
    key: `customer-${at % customers}`,
    value: JSON.stringify({ customer: `customer-${at % customers}`, n: at, odd: odd[at % odd.length] }),
    headers: cloudEvent(at % 9 === 4 ? 'sale.other' : 'sale', `event-${at}`),
  }))
  const early = pauseMs > 0 ? messages.splice(0, messages.length / 3) : []
  if (early.length > 0) {
    await producer.send({ topic, messages: [...early, ...early.slice(0, 4), ...bad] })
    await scene.until('letters', `select count(*) >= 3 from millrace.dead_letters`)
    await settle(scene.ledger)
    await scene.until('commands', `select count(*) = 2 from millrace.commands where state = 'done'`)
    await scene.until(
      'all to end',
      `select count(*) > 40 and bool_and(ended_at is not null) from millrace.transactions`,
    )
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  await producer.send({ topic, messages })
  await producer.send({ topic, messages: [...messages.slice(0, 4), ...bad] })
  const careful = await freshProducer(unique('careful'))
  for (const what of ['abort', 'commit'] as const) {
    const work = await careful.transaction()
    await work.send({
      topic,
      messages: messages.slice(10, 14).map((each) => ({ ...each, headers: cloudEvent('sale', `${what}-${each.key}`) })),
    })
    await work[what]()
  }
  await producer.send({ topic, messages: [{ key: 'last', value: '{"customer":"last","n":1000}', partition: 0 }] })
  await producer.send({ topic, messages: [{ key: 'last', value: '{"customer":"last","n":1001}', partition: 1 }] })
  await scene.until(
    'all to be read',
    `select count(*) = 2 from millrace.transactions where event_id like 'last@%' and workflow = 'sale'`,
  )
  await settle(scene.ledger)
  const commands = early.length > 0 ? 4 : 2
  await scene.until('the commands', `select count(*) = ${commands} from millrace.commands where state = 'done'`)
  await scene.until('all to end', `select count(*) > 100 and bool_and(ended_at is not null) from millrace.transactions`)
  await terminate(coordinator)
  await doubt(scene.ledger)
  const { brokers } = await servers()
  const env = { KAFKA_BROKERS: brokers.join(','), DATABASE_URL: scene.ledger.databaseUrl, MILLRACE_ENGINE: engine }
  return { topic, ledger: scene.ledger, kafka: await recorded(topic), book: await bookOf(scene.ledger), env }
}

const bad = [
  { key: 'bad', value: 'no json' },
  { key: 'bad', value: null },
  { key: Buffer.from([0xff]), value: Buffer.from([0xff, 0xfe]), headers: { trace: Buffer.from([0xff]) } },
  { key: 'bad', value: '{"customer": 1.5}' },
  { key: 'bad', value: '[1]' },
]

function files(topic: string): Record<string, string> {
  return {
    'sale.yaml': `
name: sale
on: { kafka: ${topic} }
key: event.data.customer
deadLetter: { failed: true, topic: ${topic}-dead }
publish:
  completed:
    - { topic: ${topic}-sold, key: event.data.customer, value: { n: '\${{ event.data.n }}' } }
    - { topic: ${topic}-sold, key: event.data.nothing, value: 1, when: has(event.data.odd) && event.data.odd == 'mute' }
  failed:
    - { topic: ${topic}-sold, value: { error: '\${{ error.code }}' } }
steps:
  - { id: reserve, uses: work, with: { n: '\${{ event.data.n }}' }, publish: [{ topic: ${topic}-sold, value: { n: 1 } }] }
  - { id: remind, uses: work, with: { n: 1, odd: declines }, when: event.data.n % 5 == 1, optional: true }
  - { id: pay, uses: work, with: '\${{ event.data }}', retry: { initial: 20ms, attempts: 2 } }
`,
    'typed.yaml': `
name: typed
on: { kafka: { topic: ${topic}, type: sale } }
deduplicate: false
steps:
  - { id: note, uses: work, with: { n: '\${{ event.data.n }}' } }
`,
    'functions/work.ts': `
import { defineFunction, fail, retry, z } from 'millrace'
export default defineFunction({
  input: z.object({ n: z.number(), odd: z.string().optional() }).loose(),
  async run({ input, context }) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (input.odd === 'declines') return fail('declined', 'as asked')
    if (input.odd === 'twice' && context.attempt === 2) return fail('declined', 'as asked')
    if ((input.odd === 'twice' || input.odd === 'retries') && context.attempt === 1) return retry('busy', 'as asked')
    return { n: input.n }
  },
})`,
  }
}

/** One dead letter is redriven with other bytes, one is discarded. */
async function settle(ledger: TestLedger): Promise<void> {
  const value = Buffer.from('{"customer":"mended","n":2000}').toString('base64')
  await ledger.query(
    `insert into millrace_data.command (lane_id, kind, target, args, asked_by)
     select lane_id, case code when 'value_not_json' then 'redrive' else 'discard' end, id, $1, 'a test'
     from millrace_data.dead_letter where code in ('value_not_json', 'value_null') and state = 1`,
    [JSON.stringify({ value })],
  )
}

/** One whose second attempt failed, as if its function were not idempotent, and a person had settled it. */
async function doubt(ledger: TestLedger): Promise<void> {
  const [row] = await ledger.query<{ id: string }>(
    `select transaction_id as id from millrace.attempts
     where step = 'pay' and attempt = 2 and outcome = 'fail' order by transaction_id limit 1`,
  )
  assert.ok(row)
  const all = [
    `update millrace_data.attempt set step_state = 4, next_at = null where transaction_id = $1 and step = 2 and attempt = 1`,
    `insert into millrace_data.begun select transaction_id, step, attempt, commit_id from millrace_data.attempt
     where transaction_id = $1 and step = 2 and attempt = 1`,
    `update millrace_data.attempt set resolved_by = 'a test', error_code = 'resolved_failed', dispatched_at = null
     where transaction_id = $1 and step = 2 and attempt = 2`,
    `update millrace_data.ending set error_code = 'resolved_failed' where transaction_id = $1`,
    `insert into millrace_data.command (lane_id, kind, target, asked_by, state, commit_id)
     select t.lane_id, 'resolve', t.id, 'a test', 2, a.commit_id
     from millrace_data.transaction t join millrace_data.attempt a on a.transaction_id = t.id and a.resolved_by is not null
     where t.id = $1`,
  ]
  for (const sql of all) await ledger.query(sql, [row.id])
}

/** Kafka's answers, asked for once. */
export async function recorded(...topics: readonly string[]): Promise<KafkaView> {
  const { brokers } = await servers()
  const client = createClient({ brokers, clientId: 'test', tls: false, sasl: null })
  const room = new Topics(client, brokers.join(','))
  await room.connect()
  const bounds = new Map<string, Awaited<ReturnType<Topics['bounds']>>>()
  for (const topic of topics) bounds.set(topic, await room.bounds(topic))
  await room.disconnect()
  type Part = Parameters<Parameters<KafkaView['read']>[1]>[0]
  const parts: Part[] = []
  const spans = [...bounds].flatMap(([topic, partitions]) =>
    [...partitions].map(([partition, { earliest, latest }]) => ({
      topic,
      partition,
      fromOffset: earliest,
      toOffset: latest,
    })),
  )
  const left = await readRetained(client, 'test', spans, async (part) => void parts.push(part))
  assert.deepEqual(left, [])
  return {
    bounds: async (topic) => bounds.get(topic) ?? null,
    incarnation: async () => '',
    isCompacted: async () => false,
    async read(wanted, take) {
      for (const part of parts) {
        const span = wanted.find((each) => each.topic === part.topic && each.partition === part.partition)
        const toOffset = Math.min(part.toOffset, span?.toOffset ?? 0)
        if (toOffset <= part.fromOffset) continue
        await take({ ...part, toOffset, records: part.records.filter(({ offset }) => offset < toOffset) })
      }
      return []
    },
  }
}

/** What a provider would have written that the step `pay` calls. */
async function bookOf(ledger: TestLedger): Promise<string[]> {
  const rows = await ledger.query<Identity['position'] & { id: string }>(
    `select t.id, topic, kafka_partition as partition, kafka_offset::int as offset
     from millrace.attempts a join millrace.transactions t on t.id = a.transaction_id
     where step = 'pay' and outcome = 'ok' order by 1`,
  )
  return rows.map(({ id, ...position }, at) => {
    const key = `${idempotencyKey({ id, position }, 'pay')}:viewer`
    return JSON.stringify({ no: at + 1, kind: 'charge', key, status: 'succeeded', reference: id })
  })
}

export const looking: VerifyOptions = {
  sealer: null,
  topic: null,
  bookFile: null,
  sample: Number.POSITIVE_INFINITY,
  skewMs: 1000,
  progress: () => undefined,
}

let client: Promise<pg.Client> | undefined

/** Does something to the ledger, verifies it, and takes it back. Answers also with the first row that the SQL gave. */
export async function tampered(
  { ledger, kafka }: Ground,
  sql: string,
  options: Partial<VerifyOptions> = {},
): Promise<{ report: Report; row: Record<string, unknown> }> {
  client ??= connected(ledger.databaseUrl)
  const db = await client
  await db.query('begin isolation level repeatable read')
  try {
    const results = [await db.query(sql)].flat()
    const row = results.flatMap((result) => result.rows).at(-1) ?? {}
    const view = {
      query: async <Row>(text: string, values: readonly unknown[] = []) =>
        (await db.query(text, [...values])).rows as Row[],
    }
    return { report: await verify(view, kafka, { ...looking, ...options }), row }
  } finally {
    await db.query('rollback')
  }
}

async function connected(databaseUrl: string): Promise<pg.Client> {
  const db = new pg.Client(databaseUrl)
  await db.connect()
  atEnd(() => db.end())
  return db
}
