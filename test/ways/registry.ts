/** The way to a schema registry over TLS: what is asked over it, what a wrong one says, and files that are replaced. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { get, type TransportOptions } from '../../src/registry/transport.ts'
import { atEnd } from '../support/at-end.ts'
import { authority, caFile, file, own, pairFiles, stranger, strangerFile } from './ground.ts'

const localhost = { name: 'registry', hosts: ['localhost'] }
const good = await authority.sign(localhost)
const clients = { ca: authority.pem, requestCert: true, rejectUnauthorized: true }
const ports = {
  plain: await listen(good),
  expired: await listen(await authority.sign({ ...localhost, fromDays: -3, toDays: -1 })),
  mutual: await listen({ ...good, ...clients }),
}
const expired = pairFiles(await authority.sign({ name: 'old', fromDays: -3, toDays: -1 }))
const strange = pairFiles(await stranger.sign({ name: 'stranger' }))

test('a registry over TLS, and by a certificate of ours: answers', async () => {
  assert.deepEqual(await ask('plain'), ['films'])
  assert.deepEqual(await ask('mutual', certificate(own)), ['films'])
})

const bad: Readonly<Record<string, [() => Promise<unknown>, RegExp]>> = {
  'another authority': [
    () => ask('plain', { tlsCaFile: strangerFile }),
    /nobody we trust .*: SCHEMA_REGISTRY_TLS_CA_FILE must/,
  ],
  'no authority': [() => ask('plain', { tlsCaFile: null }), /nobody we trust .*: SCHEMA_REGISTRY_TLS_CA_FILE must/],
  'another host name': [
    () => ask('plain', {}, '127.0.0.1'),
    /its certificate is for DNS:localhost, not for 127\.0\.0\.1/,
  ],
  'an expired certificate': [() => ask('expired'), /its certificate has expired/],
  'no certificate of ours': [() => ask('mutual'), /wants a certificate of ours: set SCHEMA_REGISTRY_TLS_CERT_FILE and/],
  'an expired certificate of ours': [() => ask('mutual', certificate(expired)), /it has expired on 20/],
  'a certificate of ours from a stranger': [() => ask('mutual', certificate(strange)), /does it trust CN=a stranger/],
}

for (const [name, [act, message]] of Object.entries(bad)) {
  test(`a registry, ${name}: told with what to mend`, async () => {
    await assert.rejects(act, (error: Error & { code?: string; retryable?: boolean }) => {
      assert.match(error.message, message)
      assert.match(error.message, /^the schema registry at https:\/\/[\w.]+:\d+\/subjects: /)
      return error.code === 'registry_outage' && error.retryable === true
    })
  })
}

test('a registry: certificates that are replaced are taken by the next request', async () => {
  const files = { ca: file(authority.pem), ...pairFiles(await stranger.sign({ name: 'first' })) }
  const options = { ...certificate(files), tlsCaFile: files.ca }
  await assert.rejects(ask('mutual', options), /does it trust CN=a stranger/)
  const next = await authority.sign({ name: 'second' })
  writeFileSync(files.cert, next.cert)
  writeFileSync(files.key, next.key)
  assert.deepEqual(await ask('mutual', options), ['films'])
  rmSync(files.key)
  await assert.rejects(ask('mutual', options), { code: 'registry_outage', message: /no such file/ })
})

function certificate(pair: { cert: string; key: string }): Partial<TransportOptions> {
  return { tlsCertFile: pair.cert, tlsKeyFile: pair.key }
}

function ask(to: keyof typeof ports, options: Partial<TransportOptions> = {}, host = 'localhost'): Promise<unknown> {
  const url = `https://${host}:${ports[to]}/subjects`
  const common = { user: null, password: null, tlsCertFile: null, tlsKeyFile: null, answerMsMax: 5000 }
  return get(url, { url, ...common, tlsCaFile: caFile, ...options })
}

async function listen(options: ServerOptions): Promise<number> {
  const server = createServer(options, (_, response) => response.end('["films"]')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
