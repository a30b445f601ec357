/** Order by key: within a workflow and partition one key's transactions run one after the other, and hold up no other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAccounted, heldSpans } from '../support/accounted.ts'
import { freshAdmin } from '../support/kafka.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, unique } from '../support/servers.ts'

/** `ms`: how long its first step takes; `odd`: what its first attempt does besides. */
interface Order {
  readonly customer: string
  readonly ms?: number
  readonly odd?: 'retries' | 'fails' | 'throws'
}

const queuedMax = 40
const names = { shop: unique('shop'), letters: unique('letters'), crowd: unique('crowd') }
const { producer } = await freshTopic(1, names.shop)
await freshTopic(1, names.letters)
await freshTopic(1, names.crowd)
const scene = await freshScene(
  {
    'orders.yaml': workflow('orders', names.shop, 'event.data.customer'),
    'free.yaml': workflow('free', names.shop, '"null"'),
    'quick.yaml': workflow('quick', names.shop, 'event.data.customer', 'note'),
    'letters.yaml': workflow('letters', names.letters),
    'crowd.yaml': workflow('crowd', names.crowd, 'event.data.customer'),
    'functions/work.ts': `
import { defineFunction, fail, retry, z } from 'millrace'
export default defineFunction({
  input: z.object({ customer: z.string(), ms: z.number().default(1), odd: z.string().optional() }),
  async run({ input, context }) {
    await new Promise((resolve) => setTimeout(resolve, input.ms))
    if (input.odd === 'fails') return fail('odd', 'as asked')
    if (context.attempt === 1 && input.odd === 'retries') return retry('odd', 'as asked', { afterMs: 1000 })
    if (context.attempt === 1 && input.odd === 'throws') throw new Error('as asked')
    return input
  },
})`,
    'functions/note.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: () => null })`,
  },
  { MILLRACE_RUNNING_MAX: '8', MILLRACE_QUEUED_MAX: String(queuedMax) },
)
const fast = Array.from({ length: 60 }, (_, at) => ({ customer: `fast-${at % 20}`, ms: 5 }))
const orders: readonly Order[] = [
  { customer: 'slow', ms: 6000 },
  ...Array.from({ length: 25 }, () => ({ customer: 'slow' })),
  { customer: 'again', odd: 'retries' },
  { customer: 'again' },
  { customer: 'failing', odd: 'fails' },
  { customer: 'failing' },
  { customer: 'throwing', odd: 'throws' },
  { customer: 'throwing' },
  ...fast,
]
await send(names.shop, orders)
const coordinator = scene.start()

test('one key runs in the order of its offsets, whatever befalls its transactions', async () => {
  await scene.ended(orders.length, { workflow: 'orders' })
  assert.deepEqual(await overlaps('orders'), [])
  const [row] = await scene.ledger.query(
    `select count(distinct key)::int as keys, count(*) filter (where state = 'failed')::int as failed
     from millrace.transactions where workflow = 'orders'`,
  )
  assert.deepEqual(row, { keys: 24, failed: 1 })
})

test('a slow key holds up no other, though more stand behind it than may run at once', async () => {
  const [row] = await scene.ledger.query<{ before: boolean }>(
    `select max(ended_at) filter (where key like 'fast-%') < min(ended_at) filter (where key = 'slow') as before
     from millrace.transactions where workflow = 'orders'`,
  )
  assert.deepEqual(row, { before: true })
})

test('the delay before a retry holds its key, and no other', async () => {
  const [row] = await scene.ledger.query<{ held: number; others: boolean }>(
    `
with again as (
  select kafka_offset, admitted_at, ended_at, (select min(dispatched_at) from millrace.attempts where transaction_id = id) as began
  from millrace.transactions where workflow = 'orders' and key = 'again')
select extract(epoch from max(began) - min(began))::float as held,
       exists (select from millrace.transactions f where f.workflow = 'orders' and f.key like 'fast-%'
               and f.ended_at > (select min(began) from again) and f.ended_at < (select max(began) from again)) as others
from again`,
  )
  assert.ok((row?.held ?? 0) >= 1, `the second began ${row?.held} s after the first`)
  assert.equal(row?.others, true)
})

test('without a key there is no order', async () => {
  await scene.ended(orders.length, { workflow: 'free' })
  const [row] = await scene.ledger.query(
    `select count(key)::int as keys, max(ended_at) = max(ended_at) filter (where kafka_offset = 0) as last
     from millrace.transactions where workflow = 'free'`,
  )
  assert.deepEqual(row, { keys: 0, last: true })
})

test('another workflow with the same key has its own order', async () => {
  await scene.ended(orders.length, { workflow: 'quick' })
  const [row] = await scene.ledger.query(
    `select max(ended_at) filter (where workflow = 'quick' and key = 'slow')
            < min(ended_at) filter (where workflow = 'orders' and key = 'slow') as before from millrace.transactions`,
  )
  assert.deepEqual(row, { before: true })
})

test('without a `key` of the workflow the record’s key counts, and a record without one has none', async () => {
  const customers = ['a', 'b', null, 'a', null, 'b', 'a']
  const messages = customers.map((key, at) => ({ key, value: JSON.stringify({ customer: '', ms: at < 3 ? 500 : 1 }) }))
  await producer.send({ topic: names.letters, messages })
  await scene.ended(customers.length, { workflow: 'letters' })
  assert.deepEqual(await overlaps('letters'), [])
  const keys = await scene.ledger.query<{ key: string | null; first: boolean }>(
    `select key, ended_at < (select min(ended_at) from millrace.transactions where workflow = 'letters' and kafka_offset < 3)
       as first from millrace.transactions where workflow = 'letters' order by kafka_offset`,
  )
  assert.deepEqual(
    keys.map(({ key }) => key),
    customers,
  )
  assert.deepEqual(keys[4], { key: null, first: true })
})

test('a line that is full pauses its partition, says behind whom, and loses nothing', async () => {
  const crowd = [{ customer: 'star', ms: 1500 }, ...Array.from({ length: 3 * queuedMax }, () => ({ customer: 'star' }))]
  await send(names.crowd, crowd)
  await scene.ended(crowd.length, { workflow: 'crowd' })
  assert.deepEqual(await overlaps('crowd'), [])
  await assertAccounted(scene.ledger, names.crowd, ['crowd'], await heldSpans(await freshAdmin(), names.crowd))
  assert.match(coordinator.logs(), /"level":"warn".*crowd\S+ is not read for now: .* behind crowd \/ star/)
  assert.match(coordinator.logs(), /crowd\S+ is read again/)
  await terminate(coordinator)
})

/** Transactions that began before the one of their key before them had ended. */
async function overlaps(name: string): Promise<unknown[]> {
  return scene.ledger.query(
    `
with runs as (
  select key, kafka_offset, ended_at, (select min(dispatched_at) from millrace.attempts where transaction_id = id) as began
  from millrace.transactions where workflow = $1 and key is not null
), neighbours as (
  select *, lag(ended_at) over (partition by key order by kafka_offset) as before from runs)
select key, kafka_offset from neighbours where began < before`,
    [name],
  )
}

async function send(topic: string, all: readonly Order[]): Promise<void> {
  await producer.send({ topic, messages: all.map((each) => ({ key: 'same', value: JSON.stringify(each) })) })
}

function workflow(name: string, topic: string, key?: string, uses = 'work'): string {
  return `
name: ${name}
on: { kafka: ${topic} }
${key === undefined ? '' : `key: ${key}`}
steps:
  - { id: work, uses: ${uses}, with: '\${{ event.data }}', retry: { initial: 100ms } }
  - { id: note, uses: note }
`
}
