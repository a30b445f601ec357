/** The HTTP door over TLS: whom it is, who may come by certificate, and a certificate that is replaced while it listens. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { until } from '../../src/base/poll.ts'
import { freshAuthority } from '../support/certificates.ts'
import { ask, doorOf } from '../support/door.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { unique } from '../support/servers.ts'
import { authority, file, stranger } from './ground.ts'

const localhost = { name: 'door', hosts: ['localhost'] }

test('the door over TLS: who is asked for shows a certificate, and comes in by one that is listed', async (t) => {
  const door = await authority.sign(localhost)
  const files = { cert: file(door.cert), key: file(door.key), clients: file(authority.pem) }
  const scene = await freshScene(
    { 'film.yaml': workflow(unique('door')) },
    {
      MILLRACE_DOOR_PORT: '0',
      MILLRACE_DOOR_TLS_CERT_FILE: files.cert,
      MILLRACE_DOOR_TLS_KEY_FILE: files.key,
      MILLRACE_DOOR_CLIENT_CA_FILE: files.clients,
      MILLRACE_SEAL_KEY: unique('seal-key'),
    },
  )
  const coordinator = scene.start()
  const port = await doorOf(coordinator)
  await scene.opened(4)
  const asked = { headers: { 'content-type': 'application/json' }, body: '{"film": 1}' }
  const post = (tls: ConnectionOptions) =>
    ask(port, '/films', { ...asked, tls: { host: 'localhost', ca: authority.pem, ...tls } })

  await t.test('a listed one is the principal of its event', async () => {
    const answer = await post(await authority.sign({ name: 'viewer' }))
    assert.equal(answer.status, 202, answer.text)
    await scene.until(
      'it',
      `select count(*) = 1 from millrace.transactions where id = '${answer.json.id}' and ended_at is not null`,
    )
    const [row] = await scene.ledger.query<{ auth: { principal: string; family: string } }>(
      `select event -> 'auth' as auth from millrace.transactions where id = $1`,
      [answer.json.id],
    )
    assert.deepEqual([row?.auth.principal, row?.auth.family], ['CN=viewer', 'mtls'])
  })

  const refused: Record<string, ConnectionOptions> = {
    'none at all': {},
    'one that is not listed': await authority.sign({ name: 'somebody' }),
    'a listed name, signed by a stranger': await stranger.sign({ name: 'viewer' }),
    'a listed one that has expired': await authority.sign({ name: 'viewer', fromDays: -3, toDays: -1 }),
    'one that is not valid yet': await authority.sign({ name: 'viewer', fromDays: 1, toDays: 2 }),
    'the certificate of a server of that name': await stranger.sign({ name: 'viewer', hosts: ['viewer'] }),
  }
  for (const [name, tls] of Object.entries(refused)) {
    await t.test(`${name}: 401 that says nothing`, async () => {
      const answer = await post(tls)
      assert.equal(answer.status, 401, answer.text)
      assert.doesNotMatch(answer.text, /certificate|expired|CN=|signed/i)
    })
  }

  await t.test('a session that is taken up again is no better than it was', async () => {
    for (const [tls, status] of [
      [await stranger.sign({ name: 'viewer' }), 401],
      [{}, 401],
      [await authority.sign({ name: 'viewer' }), 202],
    ] as const) {
      const { resumed, statuses } = await twice(port, { host: 'localhost', ca: authority.pem, ...tls })
      assert.ok(resumed)
      assert.deepEqual(statuses, [status, status])
    }
  })

  await t.test(
    'who believes another authority, calls it by another name, or speaks an old TLS does not reach it',
    async () => {
      await assert.rejects(post({ ca: stranger.pem }), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
      await assert.rejects(post({ host: '127.0.0.1' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
      await assert.rejects(
        post({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
        /PROTO|protocol/i,
      )
      await assert.rejects(ask(port, '/films', asked), /hang up|ECONNRESET|Parse Error/)
    },
  )

  await t.test('a certificate that is replaced is shown from then on, a broken one is not', async () => {
    writeFileSync(files.cert, 'half a certif')
    await until('a warning', () => /the HTTP door keeps its certificate/.test(coordinator.logs()), { forMs: 15_000 })
    const next = await freshAuthority('the next authority')
    const pair = await next.sign(localhost)
    writeFileSync(files.key, pair.key)
    writeFileSync(files.cert, pair.cert)
    await until('the new certificate', async () => (await issuerOf(port)) === 'the next authority', { forMs: 15_000 })
  })
  await terminate(coordinator)
})

function workflow(topic: string): string {
  return `
name: film
on: { http: { path: /films, topic: ${topic} } }
auth:
  - { id: viewer, mtls: { subjects: ['CN=viewer'] } }
steps:
  - { id: rest, sleep: 1ms }
`
}

/** Two requests of one agent, each on a connection of its own. */
async function twice(port: number, tls: ConnectionOptions): Promise<{ resumed: boolean; statuses: number[] }> {
  const agent = new Agent({ keepAlive: false, maxCachedSessions: 10, ...tls })
  const statuses: number[] = []
  let resumed = false
  for (const _ of [1, 2]) {
    const headers = { 'content-type': 'application/json' }
    const asked = request({ agent, host: 'localhost', port, path: '/films', method: 'POST', headers })
    asked.end('{}')
    const [status, reused] = await new Promise<[number, boolean]>((resolve, reject) => {
      asked.on('error', reject).on('response', (response) => {
        const socket = response.socket as ReturnType<typeof connect>
        response.resume().on('end', () => resolve([response.statusCode ?? 0, socket.isSessionReused()]))
      })
    })
    statuses.push(status)
    resumed = reused
  }
  return { resumed, statuses }
}

function issuerOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().issuer.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
