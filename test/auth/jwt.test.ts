/** Tokens of an issuer that is a real HTTP server: good ones, and what has been tried against others. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { keysAt } from '../../src/auth/issuer-keys.ts'
import { jwtWay } from '../../src/auth/jwt.ts'
import type { JwtSpec } from '../../src/envelope/auth-spec.ts'
import { atS, atUs, requestWith, secretsOf } from './request.ts'

const [ours, next, strangers] = await Promise.all(['RS256', 'RS256', 'RS256'].map((alg) => generateKeyPair(alg)))
const jwkOf = async (key: CryptoKey, kid: string) => ({ ...(await exportJWK(key)), kid, alg: 'RS256', use: 'sig' })

/** What the issuer answers, and how often it was asked. */
const issuer = { keys: [await jwkOf(ours!.publicKey, 'k1')], status: 200, asked: 0 }
const server = createServer((_, response) => {
  issuer.asked++
  response.writeHead(issuer.status, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: issuer.keys }))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
after(() => server.close())
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`

const spec: JwtSpec = {
  ...{ family: 'jwt', header: 'authorization', issuer: 'https://issuer.example', audience: ['shop', 'other'] },
  ...{ keys: { url }, algorithms: ['RS256'], principal: ['sub'], roles: ['realm', 'roles'], toleranceMs: 30_000 },
}

interface Made {
  readonly claims?: Record<string, unknown>
  readonly header?: Record<string, unknown>
  readonly key?: CryptoKey | Uint8Array
  readonly fromS?: number
  readonly untilS?: number
}

function token({ claims = {}, header = {}, key = ours!.privateKey, fromS = atS - 60, untilS = atS + 600 }: Made = {}) {
  const whole = { realm: { roles: ['billing', 7, 'admin'] }, big: 1, ...claims }
  return new SignJWT(whole)
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header })
    .setIssuer((claims.iss as string) ?? spec.issuer)
    .setAudience((claims.aud as string) ?? 'shop')
    .setSubject((claims.sub as string) ?? 'ann')
    .setNotBefore(fromS)
    .setExpirationTime(untilS)
    .sign(key)
}

const way = jwtWay('jwt', spec, secretsOf({}))
const bearer = (text: string, at = atUs) => requestWith({ authorization: `Bearer ${text}` }, { atUs: at })
const ask = async (text: string, at = atUs, by = way) => by.authenticate(bearer(text, at))

test('a good token says who it is, with roles and claims, and the second time at once', async () => {
  const good = await token()
  const first = way.authenticate(bearer(good))
  assert.ok(first instanceof Promise)
  const found = await first
  assert.equal(found?.principal, 'ann')
  assert.deepEqual(found?.roles, ['billing', 'admin'])
  assert.deepEqual(found?.claims.realm, { roles: ['billing', 7, 'admin'] })
  assert.deepEqual(way.authenticate(bearer(good)), found)
  assert.equal(issuer.asked, 1)
})

test('it holds from its first to its last second, clocks aside, whenever it is looked at', async () => {
  const one = await token({ fromS: atS, untilS: atS + 10 })
  for (const at of [-30, 0, 9, 39]) assert.ok(await ask(one, atUs + at * 1_000_000), `${at}`)
  for (const at of [-31, 40, 86_400]) assert.equal(await ask(one, atUs + at * 1_000_000), null, `${at}`)
})

test('integers beyond 2^53 in claims stay exact', async () => {
  const [head, , tail] = (await token()).split('.') as [string, string, string]
  assert.ok(head && tail)
  const key = Buffer.alloc(32, 'k')
  const payload = `{"iss":"i","aud":"a","sub":"s","exp":${atS + 5},"n":12345678901234567890}`
  const { createHmac } = await import('node:crypto')
  const part = (text: string) => Buffer.from(text).toString('base64url')
  const signed = `${part('{"alg":"HS256"}')}.${part(payload)}`
  const signature = createHmac('sha256', key).update(signed).digest('base64url')
  const own = { ...spec, issuer: 'i', audience: ['a'], algorithms: ['HS256'], keys: { secret: 'k' } }
  const found = await ask(`${signed}.${signature}`, atUs, jwtWay('jwt', own, secretsOf({ k: key.toString() })))
  assert.equal(found?.claims.n, 12345678901234567890n)
})

const pem = await exportSPKI(ours!.publicKey)
const jku = { jku: url.replace('/jwks', '/evil'), jwk: await jwkOf(strangers!.publicKey, 'k1') }
const bad: readonly [string, () => string | Promise<string>][] = [
  ['of nobody’s key', () => token({ key: strangers!.privateKey })],
  ['with keys of its own in its header', () => token({ key: strangers!.privateKey, header: jku })],
  ['of another issuer', () => token({ claims: { iss: 'https://issuer.example.evil' } })],
  ['for somebody else', () => token({ claims: { aud: 'shop2' } })],
  [
    'without a signature (alg none)',
    () =>
      new UnsecuredJWT({})
        .setIssuer(spec.issuer)
        .setAudience('shop')
        .setSubject('a')
        .setExpirationTime(atS + 9)
        .encode(),
  ],
  ['without a signature, and one claimed', async () => `${(await token()).split('.').slice(0, 2).join('.')}.AAAA`],
  ['signed by HS256 with the public key', () => token({ header: { alg: 'HS256' }, key: Buffer.from(pem) })],
  [
    'signed by another algorithm of the same key',
    async () => token({ header: { alg: 'PS256' }, key: (await generateKeyPair('PS256')).privateKey }),
  ],
  [
    'without an end',
    async () =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
        .setIssuer(spec.issuer)
        .setAudience('shop')
        .setSubject('a')
        .sign(ours!.privateKey),
  ],
  ['with an end that is no time', () => token({ untilS: 1e300 })],
  [
    'with a critical header that nobody knows',
    async () => {
      const [, payload] = (await token()).split('.')
      return `${Buffer.from('{"alg":"RS256","kid":"k1","crit":["x"],"x":1}').toString('base64url')}.${payload}.AAAA`
    },
  ],
  [
    'whose claims were changed',
    async () => {
      const [head, payload, signature] = (await token()).split('.') as [string, string, string]
      const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: 'root' }
      return `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
    },
  ],
  ['for nobody', () => token({ claims: { sub: '' } })],
  [
    'whose subject is no text',
    async () =>
      new SignJWT({ sub: 7 as never })
        .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
        .setIssuer(spec.issuer)
        .setAudience('shop')
        .setExpirationTime(atS + 9)
        .sign(ours!.privateKey),
  ],
  ['cut off', async () => (await token()).slice(0, -7)],
  ['with something behind it', async () => `${await token()}.x`],
  ['that is none', () => 'a.b.c'],
  ['that is empty', () => '..'],
]
for (const [name, made] of bad) {
  test(`a token ${name} is nobody’s`, async () => assert.equal(await ask(await made()), null))
}

test('with a shared secret: a token of a public key, a short secret and a public key in place of it are none', async () => {
  const shared = { ...spec, algorithms: ['HS256'], keys: { secret: 'k' } }
  const key = Buffer.alloc(32, 'k').toString()
  const by = (text: string) => jwtWay('jwt', shared, secretsOf({ k: text }))
  const signed = await token({ header: { alg: 'HS256' }, key: Buffer.from(key) })
  assert.equal((await ask(signed, atUs, by(key)))?.principal, 'ann')
  assert.equal(await ask(await token(), atUs, by(key)), null)
  for (const text of ['short', pem, JSON.stringify({ keys: [] })]) {
    await assert.rejects(async () => ask(signed, atUs, by(text)), { code: 'secret_invalid', retryable: true })
  }
})

test('keys of a secret: a JWKS or a PEM, and nothing else', async () => {
  const by = (text: string) => jwtWay('jwt', { ...spec, keys: { secret: 'k' } }, secretsOf({ k: text }))
  for (const text of [pem, JSON.stringify({ keys: issuer.keys })]) {
    assert.equal((await ask(await token(), atUs, by(text)))?.principal, 'ann')
  }
  await assert.rejects(async () => ask(await token(), atUs, by('a text')), { code: 'secret_invalid' })
})

test('an issuer that is away is an outage, and is asked again', async () => {
  const fresh = jwtWay('jwt', spec, secretsOf({}))
  const signed = await token()
  issuer.status = 503
  await assert.rejects(async () => ask(signed, atUs, fresh), { code: 'issuer_away', retryable: true })
  issuer.status = 200
  assert.equal((await ask(signed, atUs, fresh))?.principal, 'ann')
})

const times = { cooldownMs: 100, freshMs: 200, staleMs: 600, fetchMs: 2000 }
const named = (kid: string) => ({ alg: 'RS256', kid })

test('the keys it gave last do for a while when it is away, and are asked for again then', async () => {
  const keys = keysAt(url, times)
  const find = async () => keys(named('k1'), { payload: '', signature: '' })
  await find()
  issuer.status = 503
  await sleep(times.freshMs + 50)
  assert.ok(await find(), 'stale')
  await assert.rejects(async () => keys(named('unheard-of'), { payload: '', signature: '' }), { code: 'issuer_away' })
  await sleep(times.staleMs)
  await assert.rejects(find, { code: 'issuer_away', retryable: true })
  issuer.status = 200
  assert.ok(await find())
})

test('an issuer that changes its keys is asked again, once for all, and refuses what it does not know', async () => {
  const keys = keysAt(url, { ...times, freshMs: 60_000 })
  const find = (kid: string) => keys(named(kid), { payload: '', signature: '' })
  await find('k1')
  issuer.keys = [await jwkOf(next!.publicKey, 'k2')]
  const before = issuer.asked
  const found = await Promise.allSettled(['k2', 'k2', 'k3', 'k3'].map(find))
  assert.deepEqual(
    found.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
  )
  assert.ok(issuer.asked - before <= 2, `${issuer.asked - before}`)
})
