// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/** Who may come in by HTTP: over HTTPS, with a key or a certificate; and that what they show stays outside. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { until } from '../../src/base/poll.ts'
import { atEnd } from '../support/at-end.ts'
import { freshAuthority } from '../support/certificates.ts'
import { ask, doorOf } from '../support/door.ts'
import { freshReader } from '../support/reader.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { unique } from '../support/servers.ts'

const functions = {
  'functions/echo.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => input })`,
}

const workflow = (topic: string) => `
name: pay
on:
  http: { path: /pay, topic: ${topic}, rate: 20/m, respond: { wait: 10s } }
auth:
  - { id: partner, apiKey: { keys: partner_keys } }
  - { id: till, mtls: { subjects: [CN=till] } }
key: event.auth.principal
steps:
  - { id: echo, uses: echo, with: { by: "\${{ event.auth.principal }}", way: "\${{ event.auth.family }}" } }
`

const canary = 'canary-8c1f6f0e'
const keyLine = (name: string, key: string) => `${name} sha256:${createHash('sha256').update(key).digest('hex')}`

test('HTTPS: a key or a certificate lets in, its holder alone sees the status, and nothing of it is kept', async (t) => {
  const topic = unique('pay')
  const authority = await freshAuthority()
  const stranger = await freshAuthority('a stranger')
  const dir = await mkdtemp(join(tmpdir(), 'millrace-door-'))
  atEnd(() => rm(dir, { recursive: true, force: true }))
  const [certFile, keyFile, caFile] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(dir, name))
  const install = async () => {
    const pair = await authority.sign({ name: 'door', hosts: ['127.0.0.1', 'localhost'] })
    await writeFile(keyFile!, pair.key)
    await writeFile(certFile!, pair.cert)
    return pair
  }
  await install()
  await writeFile(caFile!, authority.pem)
  const scene = await freshScene(
    { ...functions, 'pay.yaml': workflow(topic) },
    {
      ...{
        MILLRACE_DOOR_PORT: '0',
        MILLRACE_DOOR_TOPIC_PARTITIONS: '2',
        MILLRACE_SEAL_KEY: 'a long random text of a test',
      },
      ...{
        MILLRACE_DOOR_TLS_CERT_FILE: certFile!,
        MILLRACE_DOOR_TLS_KEY_FILE: keyFile!,
        MILLRACE_DOOR_CLIENT_CA_FILE: caFile!,
      },
      MILLRACE_SECRET_PARTNER_KEYS: [keyLine('north', canary), keyLine('south', 'south-key')].join('\n'),
      MILLRACE_LOG_LEVEL: 'debug',
    },
  )
  const coordinator = scene.start()
  const port = await doorOf(coordinator)
  await scene.opened(2)
  const tls = { ca: authority.pem, servername: 'localhost' }
  const pay = (headers: Record<string, string> = {}, more = {}) =>
    ask(port, '/pay', {
      body: '{"cents":5}',
      headers: { 'content-type': 'application/json', ...headers },
      tls: { ...tls, ...more },
    })
  const till = await authority.sign({ name: 'till' })

  await t.test('nobody, a wrong key, a stranger’s certificate: 401, and nothing is said', async () => {
    const other = await stranger.sign({ name: 'till' })
    const clerk = await authority.sign({ name: 'clerk' })
    for (const answer of [
      await pay(),
      await pay({ 'x-api-key': 'wrong' }),
      await pay({}, other),
      await pay({}, clerk),
    ]) {
      assert.equal(answer.status, 401, answer.text)
      assert.deepEqual(answer.json, {
        type: 'about:blank',
        title: 'Unauthorized',
        status: 401,
        code: 'unauthenticated',
      })
    }
  })

  const north = await pay({ 'x-api-key': canary })
  await t.test('a key, and a certificate', async () => {
    assert.deepEqual([north.status, north.json], [200, { by: 'north', way: 'apiKey' }], north.text)
    const byTill = await pay({}, till)
    assert.deepEqual([byTill.status, byTill.json], [200, { by: 'CN=till', way: 'mtls' }], byTill.text)
  })

  await t.test('the status is for who sent it, and for nobody else there', async () => {
    const status = String(north.headers['content-location'])
    const look = (headers: Record<string, string>) => ask(port, status, { method: 'GET', headers, tls })
    assert.equal((await look({ 'x-api-key': canary })).json.state, 'completed')
    assert.equal((await look({ 'x-api-key': 'south-key' })).status, 404)
    assert.equal((await look({})).status, 401)
  })

  await t.test('Kafka has the stamp of the door, and no credential', async () => {
    const reader = await freshReader([topic])
    await reader.until(2)
    for (const { headers, value } of reader.seen) {
      const texts = [String(value), ...Object.values(headers).flat().map(String)].join()
      assert.ok(!texts.includes(canary))
      assert.deepEqual(Object.keys(headers).sort(), ['content-type', 'millrace-door', 'millrace-http'])
    }
  })

  await t.test('a certificate that is renewed is shown to who comes next', async () => {
    const before = await shownBy(port)
    await install()
    await until('the new certificate', async () => (await shownBy(port)) !== before, { forMs: 30_000, everyMs: 200 })
    assert.equal((await pay({ 'x-api-key': canary })).status, 200)
  })

  await t.test('more than may come is told when it may come again', async () => {
    let answer = await pay({ 'x-api-key': canary })
    for (let n = 0; n < 25 && answer.status === 200; n++) answer = await pay({ 'x-api-key': canary })
    assert.equal(answer.status, 429)
    assert.ok(Number(answer.headers['retry-after']) >= 1)
    assert.equal((await pay({ 'x-api-key': 'south-key' })).status, 200, 'another one has his own')
  })

  await t.test('nothing of a key is in the ledger or in a log', async () => {
    const [row] = await scene.ledger.query<{ text: string }>(
      `select string_agg(t::text, '') as text from millrace.transactions t`,
    )
    assert.ok(row!.text.includes('north') && !row!.text.includes(canary))
    assert.ok(!coordinator.logs().includes(canary))
  })
  await terminate(coordinator)
})

function shownBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('a client that is slow, cut or broken is answered or let go, and holds up nobody', async () => {
  const topic = unique('slow')
  const file = `name: slow\non:\n  http: { path: /slow, topic: ${topic} }\nsteps:\n  - { id: echo, uses: echo }\n`
  const scene = await freshScene(
    { ...functions, 'slow.yaml': file },
    { MILLRACE_DOOR_PORT: '0', MILLRACE_DOOR_TOPIC_PARTITIONS: '1' },
  )
  const coordinator = scene.start()
  const port = await doorOf(coordinator)
  await scene.opened(1)
  const head = 'POST /slow HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n'
  const [late, headers, broken, both] = await Promise.all([
    raw(port, `${head}content-length: 100\r\n\r\n{"a":`),
    raw(port, 'POST /slow HTTP/1.1\r\nhost: x\r\nx-a: '),
    raw(port, 'NONSENSE\r\n\r\n'),
    raw(port, `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
    (async () => {
      for (let n = 0; n < 20; n++) {
        const answer = await ask(port, '/slow', { body: '{}', headers: { 'content-type': 'application/json' } })
        assert.equal(answer.status, 202, answer.text)
        await sleep(100)
      }
    })(),
    cut(port, `${head}content-length: 100\r\n\r\n{"a":`),
  ])
  assert.match(late!, /^HTTP\/1\.1 408 .*"code":"body_slow"/s)
  assert.match(headers!, /^HTTP\/1\.1 408 /)
  assert.match(broken!, /^HTTP\/1\.1 400 /)
  assert.match(both!, /^HTTP\/1\.1 400 /)
  await scene.ended(20)
  const [row] = await scene.ledger.query<{ n: number }>('select count(*)::int as n from millrace.transactions')
  assert.equal(row?.n, 20)
  await terminate(coordinator)
})

/** What comes back until the connection is closed. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk))
    socket.on('close', () => resolve(answer)).on('error', reject)
    socket.setTimeout(40_000, () => socket.destroy(new Error(`no end came: ${answer}`)))
  })
}

async function cut(port: number, text: string): Promise<void> {
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  socket.on('error', () => undefined)
  await sleep(200)
  socket.destroy()
}
