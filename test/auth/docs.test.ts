/** The examples of docs/authentication.md let in whom they say, and nobody who shows a little less. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { AuthRequest } from '../../src/auth/request.ts'
import { hashKey, hashPassword, storedIn } from '../../src/auth/stored.ts'
import { gateOf } from '../../src/auth/ways.ts'
import { packageRoot } from '../../src/base/package-root.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { atS, requestWith, secretsOf } from './request.ts'

const text = readFileSync(join(packageRoot(), 'docs/authentication.md'), 'utf8')
const plans = new Map(
  [...text.matchAll(/^```yaml workflow\n(.*?)^```/gms)].map(([, source]) => {
    const plan = planFromSource(source as string, 'an example')
    return [plan.name, plan]
  }),
)
const { privateKey, publicKey } = await generateKeyPair('ES256')
const secrets = secretsOf({
  partner_keys: `kiosk ${hashKey('key of chance')} reader`,
  users: `ann ${await hashPassword('a word')} billing`,
  hook_new: 'whsec_bmV3',
  hook_old: 'whsec_b2xk',
  id_keys: JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] }),
  proxy_key: 'proxy',
})
const authenticator = {
  call: async (uses: string, input: string) =>
    uses === 'site/authenticate' && JSON.parse(input).headers.cookie === 'a=1'
      ? '{"principal":"bob","roles":["r"]}'
      : null,
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
const body = '{"n":1}'
const hooked = (secret: string) => {
  const signed = createHmac('sha256', secret).update(`m-1.${atS}.${body}`).digest('base64')
  return { 'webhook-id': 'm-1', 'webhook-timestamp': `${atS}`, 'webhook-signature': `v1,${signed}` }
}
const token = await new SignJWT({ scope: 'read write' })
  .setProtectedHeader({ alg: 'ES256' })
  .setIssuer('https://id.example')
  .setAudience('app')
  .setSubject('carl')
  .setExpirationTime(atS + 60)
  .sign(privateKey)
const proxied = createHmac('sha256', 'proxy').update(`${atS}.dora.${body}`).digest('hex')
const certificate = { subject: 'CN=kiosk,O=North', fingerprint256: 'AA:BB', altNames: [] }
const http = (more: object): AuthRequest['http'] => ({
  method: 'POST',
  url: '/orders',
  certificate: { ...certificate, ...more },
})

/** By the example's name: whom it finds out, and somebody whom it does not. */
const shown: Readonly<Record<string, { good: AuthRequest; is: string; roles: string[]; bad: AuthRequest }>> = {
  order: {
    good: requestWith({ 'x-api-key': 'key of chance' }),
    bad: requestWith({ 'x-api-key': 'key of chance ' }),
    ...{ is: 'kiosk', roles: ['reader'] },
  },
  'by-key': {
    good: requestWith({ 'x-partner-key': 'key of chance' }),
    bad: requestWith({ 'x-api-key': 'key of chance' }),
    ...{ is: 'kiosk', roles: ['reader'] },
  },
  'by-password': {
    good: requestWith({ authorization: `Basic ${base64('ann:a word')}` }),
    bad: requestWith({ authorization: `Basic ${base64('ann:a world')}` }),
    ...{ is: 'ann', roles: ['billing'] },
  },
  'by-signature': {
    good: requestWith(hooked('old')),
    bad: requestWith({ ...hooked('old'), 'webhook-id': 'm-2' }),
    ...{ is: 'provider', roles: ['webhook'] },
  },
  'by-token': {
    good: requestWith({ authorization: `Bearer ${token}` }),
    bad: requestWith({ authorization: `Bearer ${token}` }, { atUs: (atS + 100) * 1_000_000 }),
    ...{ is: 'carl', roles: ['read', 'write'] },
  },
  'by-certificate': {
    good: requestWith({}, { http: http({}) }),
    bad: requestWith({}, { http: http({ subject: 'CN=kiosk,O=South' }) }),
    ...{ is: 'CN=kiosk,O=North', roles: ['kiosk'] },
  },
  'by-proxy': {
    good: requestWith({ 'x-principal': 'dora', 'x-principal-signature': `t=${atS},v1=${proxied}` }),
    bad: requestWith({ 'x-principal': 'doris', 'x-principal-signature': `t=${atS},v1=${proxied}` }),
    ...{ is: 'dora', roles: ['proxied'] },
  },
  'by-function': { good: requestWith({ cookie: 'a=1' }), bad: requestWith({ cookie: 'a=2' }), is: 'bob', roles: ['r'] },
}

test('there is an example of each, and somebody for each example', () => {
  assert.deepEqual([...plans.keys()].sort(), Object.keys(shown).sort())
})

for (const [name, { good, bad, is, roles }] of Object.entries(shown)) {
  test(`${name}: ${is} is let in, another is not`, async () => {
    const gate = gateOf(plans.get(name)!.auth!, { secrets, authenticator })
    const auth = await gate.authenticate(good)
    assert.deepEqual([auth.principal, auth.roles], [is, roles])
    assert.deepEqual(
      Object.values(auth.by).map(({ principal }) => principal),
      [is],
    )
    await assert.rejects(async () => gate.authenticate(bad), { code: 'unauthenticated', retryable: false })
  })
}

test('the list of keys in it can be read', () => {
  const [, list] = /^```\n(# from whom.*?)^```/ms.exec(text) as unknown as [string, string]
  assert.deepEqual(
    storedIn({ name: 'k', text: list }).map(({ name, roles }) => [name, ...roles]),
    [
      ['kiosk', 'reader'],
      ['north', 'reader', 'billing'],
    ],
  )
})
