// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of workflow files
/** Who comes through the HTTP door is known to the steps behind it, by a stamp that nobody else can make; credentials stay at the door. */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { KafkaMessage } from 'kafkajs'
import { millrace } from '../cli/millrace.ts'
import { atEnd } from '../support/at-end.ts'
import { doorOf, post } from '../support/door.ts'
import { client, cloudEvent, freshProducer } from '../support/kafka.ts'
import { freshScene } from '../support/scene.ts'
import { servers, unique } from '../support/servers.ts'

const [topic, hooks] = [unique('orders'), unique('hooks')]
const key = unique('canarykey')
const secrets = await mkdtemp(join(tmpdir(), 'millrace-secrets-'))
atEnd(() => rm(secrets, { recursive: true, force: true }))
await writeFile(join(secrets, 'keys'), `kiosk sha256:${createHash('sha256').update(key).digest('hex')} seller\n`)
await writeFile(join(secrets, 'hook'), 'hook secret')

const env = {
  MILLRACE_DOOR_PORT: '0',
  MILLRACE_DOOR_TOPIC_PARTITIONS: '1',
  MILLRACE_SEAL_KEY: unique('seal-key-long-enough'),
  MILLRACE_SECRETS_DIR: secrets,
}
const file = (name: string, on: string, auth: string) => `
name: ${name}
on: { http: { ${on} } }
auth: ${auth}
key: event.auth.principal
deadLetter: { failed: true }
steps:
  - { id: sell, uses: echo, require: "'seller' in event.auth.roles", with: { who: "\${{ event.auth.principal }}", data: "\${{ event.data }}" } }
`
const scene = await freshScene(
  {
    'orders.yaml': file(
      'orders',
      `path: /orders, topic: ${topic}, respond: { wait: 15s, with: "\${{ steps.sell.output }}" }`,
      '[{ apiKey: { keys: keys } }]',
    ),
    'hooks.yaml': file(
      'hooks',
      `path: /hooks, topic: ${hooks}`,
      '[{ hmac: { scheme: github, secret: hook, principal: github, roles: [seller] } }]',
    ),
    'functions/echo.ts': `
import { defineFunction, fail } from 'millrace'
export default defineFunction({ run: ({ input }) => (input.data.n < 0 ? fail('below', 'no') : input) })`,
  },
  env,
)
const coordinator = scene.start()
const port = await doorOf(coordinator)
await scene.opened(2)
const withKey = { 'x-api-key': key }
const fromKafka = { ...env, DATABASE_URL: scene.ledger.databaseUrl, MILLRACE_ENGINE: scene.engine }

test('who shows a key is known behind the door, and orders by who it is', async () => {
  const answer = await post(port, '/orders', { n: 1 }, withKey)
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(answer.json, { who: 'kiosk', data: { n: 1 } })
  const [row] = await scene.ledger.query(
    `select key, event -> 'auth' ->> 'family' as family from millrace.transactions`,
  )
  assert.deepEqual(row, { key: 'kiosk', family: 'apiKey' })
})

test('who shows none, or a wrong one, is told nothing, and nothing is written', async () => {
  for (const headers of [{}, { 'x-api-key': 'x' }, { authorization: `Bearer ${key}` }]) {
    const answer = await post(port, '/orders', { n: 2 }, headers as Record<string, string>)
    assert.equal(answer.status, 401, answer.text)
    assert.doesNotMatch(answer.text, /apiKey|x-api-key|keys/)
  }
})

test('a webhook is held against its signature over the very bytes', async () => {
  const body = JSON.stringify({ n: 3 })
  const signature = `sha256=${createHmac('sha256', 'hook secret').update(body).digest('hex')}`
  const good = await post(port, '/hooks', { n: 3 }, { 'x-hub-signature-256': signature })
  assert.equal(good.status, 202, good.text)
  await scene.ended(1, { workflow: 'hooks' })
  assert.equal((await post(port, '/hooks', { n: 4 }, { 'x-hub-signature-256': signature })).status, 401)
})

test('what the door writes holds no credential; its stamp is for that event alone', async () => {
  const [stamped] = (await recordsOf(topic)) as [KafkaMessage]
  const names = Object.keys(stamped.headers ?? {})
  assert.ok(names.includes('millrace-door') && !names.includes('x-api-key'), names.join())
  assert.ok(!JSON.stringify(await recordsOf(topic)).includes(key))
  const producer = await freshProducer()
  const headers = stamped.headers as Record<string, Buffer>
  const { 'millrace-door': _, ...unstamped } = headers
  const forged = [
    { value: '{"n":1000}', headers },
    { value: stamped.value, headers: { ...headers, ...cloudEvent('order', 'another') } },
    { value: stamped.value, headers: unstamped },
    { value: stamped.value, headers: { ...headers, 'millrace-door': Buffer.from('kiosk') } },
  ]
  await producer.send({ topic, messages: forged })
  await producer.send({ topic: hooks, messages: [{ value: stamped.value, headers }] })
  await scene.until('the dead letters', 'select count(*) = 5 from millrace.dead_letters')
  const letters = await scene.ledger.query<{ code: string; headers: object }>(
    'select code, headers from millrace.dead_letters',
  )
  assert.deepEqual(new Set(letters.map(({ code }) => code)), new Set(['unauthenticated']))
  assert.ok(letters.every((letter) => !('millrace-door' in letter.headers)))
})

test('a redrive of what came through the door knows it by its stamp', async () => {
  const failed = await post(port, '/orders', { n: -1 }, withKey)
  assert.ok(failed.status >= 400, failed.text)
  const where = ['--where', `code = 'below'`]
  const { stdout, stderr } = await millrace(scene.dir, ['redrive', ...where, '--json'], { env: fromKafka })
  assert.equal(stderr, '')
  const [{ result, answer }] = JSON.parse(stdout)
  assert.equal(result, 'done', answer)
})

test('the ledger holds what Kafka has', async () => {
  const { brokers } = await servers()
  const { code, stdout, stderr } = await millrace(scene.dir, ['verify', '--deep'], {
    env: { ...fromKafka, KAFKA_BROKERS: brokers.join(',') },
  })
  assert.equal(code, 0, stdout + stderr)
})

async function recordsOf(name: string): Promise<KafkaMessage[]> {
  const consumer = (await client()).consumer({ groupId: unique('reader') })
  await consumer.connect()
  const found: KafkaMessage[] = []
  await consumer.subscribe({ topic: name, fromBeginning: true })
  const first = new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        found.push(message)
        resolve()
      },
    })
  })
  await first
  await consumer.disconnect()
  return found
}
