/** The way to a schema registry over TLS: what is asked over it, what a wrong one says, and files that are replaced. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { tlsFiles } from '../../src/base/tls.ts'
import { loadConfig } from '../../src/config.ts'
import { get } from '../../src/registry/transport.ts'
import { registryOptions } from '../../src/registry-settings.ts'
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
    () => ask('plain', { ca: strangerFile }),
    /nobody we trust .*: SCHEMA_REGISTRY_TLS_CA_FILE must/,
  ],
  'no authority': [() => ask('plain', { ca: null }), /nobody we trust .*: SCHEMA_REGISTRY_TLS_CA_FILE must/],
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
  const asked = asking('mutual', files)
  await assert.rejects(asked(), /does it trust CN=a stranger/)
  const next = await authority.sign({ name: 'second' })
  writeFileSync(files.cert, next.cert)
  writeFileSync(files.key, next.key)
  assert.deepEqual(await asked(), ['films'])
  rmSync(files.key)
  assert.deepEqual(await asked(), ['films'], 'as it was last, while somebody replaces it')
})

test('a registry: a file that was never there, and half a pair, are told at the start', () => {
  const from = (env: Record<string, string>) =>
    registryOptions(loadConfig({ SCHEMA_REGISTRY_URL: 'https://localhost:1', ...env }, ''))
  const missing = { SCHEMA_REGISTRY_TLS_CA_FILE: '/nowhere/ca.pem' }
  assert.throws(() => from(missing), { code: 'config_invalid', message: /SCHEMA_REGISTRY_TLS_CA_FILE: .*no such file/ })
  const half = { SCHEMA_REGISTRY_TLS_CERT_FILE: own.cert }
  assert.throws(() => from(half), { code: 'config_invalid', message: /SCHEMA_REGISTRY_TLS_KEY_FILE go together/ })
})

interface Files {
  readonly ca?: string | null
  readonly cert?: string
  readonly key?: string
}

const certificate = ({ cert, key }: { cert: string; key: string }): Files => ({ cert, key })

function ask(to: keyof typeof ports, files: Files = {}, host = 'localhost'): Promise<unknown> {
  return asking(to, files, host)()
}

/** The same files each time. */
function asking(to: keyof typeof ports, { ca = caFile, cert, key }: Files, host = 'localhost'): () => Promise<unknown> {
  const url = `https://${host}:${ports[to]}/subjects`
  const tls = tlsFiles({
    ca: ['SCHEMA_REGISTRY_TLS_CA_FILE', ca],
    cert: ['SCHEMA_REGISTRY_TLS_CERT_FILE', cert ?? null],
    key: ['SCHEMA_REGISTRY_TLS_KEY_FILE', key ?? null],
  })
  return () => get(url, { url, user: null, password: null, tls, answerMsMax: 5000 })
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
