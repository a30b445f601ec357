// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/** What workflows and functions publish, as readers of committed records see it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { freshAdmin } from '../support/kafka.ts'
import { assertPublished } from '../support/published.ts'
import { freshReader, type Seen, text } from '../support/reader.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, type TestTopic, unique } from '../support/servers.ts'

const functions = {
  'functions/price.ts': `
import { defineFunction, fail } from 'millrace'
export default defineFunction({
  run({ input, context }) {
    const { cents, emits } = input as { cents: number; emits: string | null }
    if (cents < 0) return fail('refused', 'a price below nothing')
    if (emits) for (const n of [1, 2]) context.emit({ topic: emits, key: 'e', value: { n, cents }, headers: { n } })
    return { cents: cents * 2 }
  },
})`,
}

interface Topics {
  readonly orders: TestTopic
  readonly out: string
}

async function freshTopics(): Promise<Topics> {
  const orders = await freshTopic(2)
  return { orders, out: (await freshTopic(2, unique('out'))).name }
}

function workflow({ orders, out }: Topics, more = ''): string {
  return `
name: order
on: { kafka: ${orders.name} }
publish:
  completed: { topic: ${out}, key: event.key, value: { done: "\${{ event.data.no }}" }, headers: { kind: completed } }
  failed: { topic: ${out}, key: event.key, value: { failed: "\${{ event.data.no }}", why: "\${{ error.code }}" } }
${more}
steps:
  - id: price
    uses: price
    with: { cents: "\${{ event.data.cents }}", emits: "\${{ event.data.?emits }}" }
    publish:
      topic: ${out}
      key: event.key
      value: { price: "\${{ steps.price.output.cents }}" }
`
}

async function send({ orders }: Topics, ...records: { key: string; value: unknown }[]): Promise<void> {
  const messages = records.map(({ key, value }) => ({ key, value: JSON.stringify(value) }))
  await orders.producer.send({ topic: orders.name, messages })
}

const json = (seen: Seen) => JSON.parse(seen.value?.toString() ?? 'null')

test('steps, endings and functions publish, once and only what counts', async () => {
  const topics = await freshTopics()
  const scene = await freshScene({ 'order.yaml': workflow(topics), ...functions })
  const reader = await freshReader([topics.out])
  const coordinator = scene.start()
  await send(
    topics,
    { key: 'anna', value: { no: 1, cents: 5, emits: topics.out } },
    { key: 'ben', value: { no: 2, cents: -1, emits: topics.out } },
  )
  await scene.ended(2)
  await reader.until(5)
  const of = (key: string) => reader.seen.filter((each) => String(each.key) === key).map(json)
  assert.deepEqual(of('anna'), [{ price: 10 }, { done: 1 }])
  assert.deepEqual(of('ben'), [{ failed: 2, why: 'refused' }])
  assert.deepEqual(of('e'), [
    { n: 1, cents: 5 },
    { n: 2, cents: 5 },
  ])
  const emitted = reader.seen.filter((each) => String(each.key) === 'e')
  assert.deepEqual(
    emitted.map((each) => text(each, 'n')),
    ['1', '2'],
  )
  const [{ id } = { id: '' }] = await scene.ledger.query<{ id: string }>(
    `select id from millrace.transactions where key = 'anna'`,
  )
  const annas = reader.seen.filter((each) => String(each.key) === 'anna')
  assert.deepEqual(
    annas.map((each) => [text(each, 'millrace-transaction-id'), text(each, 'kind')]),
    [
      [id, undefined],
      [id, 'completed'],
    ],
  )
  await terminate(coordinator)
  assert.equal(reader.seen.length, 5)
  await assertPublished(scene, reader.seen)
})

test('a dead letter topic gets each letter byte for byte, credentials included', async () => {
  const topics = await freshTopics()
  const scene = await freshScene(
    { 'order.yaml': workflow(topics, `deadLetter: { topic: ${topics.out}, failed: true }`), ...functions },
    { MILLRACE_SEAL_KEY: 'a long random text' },
  )
  const reader = await freshReader([topics.out])
  const coordinator = scene.start()
  const binary = Buffer.from([0, 255, 1, 254, 10])
  const records = [
    { key: binary, value: binary, headers: { bin: binary, twice: ['a', binary], Authorization: ['Bearer x', binary] } },
    { key: 'empty', value: null, headers: { a: '' } },
    { key: null, value: Buffer.alloc(0), headers: {} },
    { key: 'failing', value: '{"no": 1,  "cents": -1}', headers: { 'x-api-key': 'secret', ce: 'ü' } },
  ]
  await topics.orders.producer.send({ topic: topics.orders.name, messages: records })
  await reader.until(5)
  const letters = reader.seen.filter((each) => 'millrace-dead-letter-id' in each.headers)
  const bytes = (given: unknown) => [given].flat().map((each) => Buffer.from(each as Buffer))
  for (const { key, value, headers } of records) {
    const wanted = key === null ? null : Buffer.from(key)
    const letter = letters.find((each) => (wanted === null ? each.key === null : each.key?.equals(wanted)))
    assert.ok(letter, `a letter of ${key}`)
    assert.deepEqual(letter.value, value === null ? null : Buffer.from(value as string))
    const own = Object.entries(letter.headers).filter(([name]) => !name.startsWith('millrace-'))
    const given = Object.entries(headers).map(([name, each]) => [name, bytes(each)] as const)
    assert.deepEqual(Object.fromEntries(own), Object.fromEntries(given))
  }
  const codes = letters.map((each) => text(each, 'millrace-dead-letter-code')).sort()
  assert.deepEqual(codes, ['refused', 'registry_missing', 'value_not_json', 'value_null'])
  const rows = await scene.ledger.query<{ headers: string }>(`select headers::text from millrace_data.outbox`)
  assert.ok(!JSON.stringify(rows).includes('secret'), 'credentials are sealed in the ledger')
  await terminate(coordinator)
  await assertPublished(scene, reader.seen)
})

test('messages wait for a topic that is missing, and pass over what Kafka will never take', async () => {
  const topics = await freshTopics()
  const admin = await freshAdmin()
  const small = unique('small')
  const later = unique('later')
  const entries = [{ name: 'max.message.bytes', value: '2000' }]
  await admin.createTopics({
    topics: [{ topic: small, numPartitions: 1, configEntries: entries }],
    waitForLeaders: true,
  })
  const file = `
name: order
on: { kafka: ${topics.orders.name} }
steps:
  - id: price
    uses: price
    with: { cents: 1, emits: null }
    publish:
      - { topic: ${small}, value: "\${{ event.data.text }}" }
      - { topic: ${later}, value: "\${{ event.data.no }}", when: event.data.no == 4 }
      - { topic: ${topics.out}, value: "\${{ event.data.no }}" }
`
  const scene = await freshScene({ 'order.yaml': file, ...functions })
  const coordinator = scene.start()
  const large = 'x'.repeat(5000)
  const texts = ['a', 'b', large, 'c', 'd', 'e']
  await send(topics, ...texts.map((each, no) => ({ key: 'k', value: { no, text: each } })))
  await scene.ended(texts.length)
  await scene.until(
    'the topic to be waited for',
    `select count(*) filter (where state = 'pending') > 0 and count(*) filter (where state = 'refused') = 1
     from millrace.outbox`,
  )
  const waits = `waiting for topics that Kafka does not have: ${later}`
  await until('the missing topic to be told', async () => coordinator.logs().includes(waits), { forMs: 20_000 })
  await admin.createTopics({ topics: [{ topic: later, numPartitions: 1 }], waitForLeaders: true })
  await scene.until('all to be published', `select count(*) filter (where state = 'pending') = 0 from millrace.outbox`)
  const reader = await freshReader([small, later, topics.out])
  await reader.until(5 + 1 + 6)
  assert.deepEqual(reader.seen.filter((each) => each.topic === small).map(json), ['a', 'b', 'c', 'd', 'e'])
  const [refused] = await scene.ledger.query<{ error: string }>(
    `select error from millrace.outbox where state = 'refused'`,
  )
  assert.match(refused?.error ?? '', /MESSAGE_TOO_LARGE/)
  assert.match(coordinator.logs(), /is passed over: Kafka will never take it/)
  await terminate(coordinator)
  assert.equal(reader.seen.length, 12)
  await admin.deleteTopics({ topics: [small, later] })
})
