/** Signatures in the forms of those who send webhooks, held against their own examples where they give any. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { hmacWay } from '../../src/auth/hmac.ts'
import type { AuthRequest } from '../../src/auth/request.ts'
import { saslWay } from '../../src/auth/sasl.ts'
import type { HmacScheme, HmacSpec } from '../../src/envelope/auth-spec.ts'
import { atS, atUs, requestWith, secretsOf } from './request.ts'

function wayOf(scheme: HmacScheme, texts: Record<string, string>, more: Partial<HmacSpec> = {}) {
  const spec = { family: 'hmac', scheme, toleranceMs: 300_000, principal: 'sender', roles: ['webhook'] } as const
  return hmacWay('hmac', { ...spec, secrets: Object.keys(texts), ...more }, secretsOf(texts))
}

test('GitHub’s own example', () => {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
  const way = wayOf('github', { hook: "It's a Secret to Everybody" })
  const body = Buffer.from('Hello, World!')
  const headers = { 'x-hub-signature-256': signature, 'x-github-event': 'push', 'x-github-delivery': 'd-1' }
  const claims = { event: 'push', id: 'd-1' }
  const found = { principal: 'sender', family: 'hmac', roles: ['webhook'], claims }
  assert.deepEqual(way.authenticate(requestWith(headers, { body })), found)
  assert.equal(way.authenticate(requestWith(headers, { body: Buffer.from('Hello, World?') })), null)
})

test('Slack’s own example', () => {
  // https://docs.slack.dev/authentication/verifying-requests-from-slack
  const body = Buffer.from(
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  )
  const headers = {
    'x-slack-request-timestamp': '1531420618',
    'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
  }
  const way = wayOf('slack', { hook: '8f742231b10e8888abcd99yyyzzz85a5' })
  const at = 1_531_420_618 * 1_000_000
  assert.ok(way.authenticate(requestWith(headers, { body, atUs: at + 299_000_000 })))
  assert.equal(way.authenticate(requestWith(headers, { body, atUs: at + 301_000_000 })), null)
})

test('the example of Standard Webhooks', () => {
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
  const way = wayOf('standard-webhooks', { hook: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' })
  const body = Buffer.from('{"test": 2432232314}')
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const found = way.authenticate(requestWith(headers, { body, atUs: 1_614_265_330 * 1_000_000 }))
  assert.deepEqual(found && 'claims' in found && found.claims, { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek' })
})

const hex = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex')
const stripe = (key: string, s: number | string = atS) => `t=${s},v1=${hex(key, `${s}.{"n":1}`)}`

test('Stripe’s form, also with signatures of both secrets while one is changed for another', () => {
  const way = wayOf('stripe', { hook_new: 'new', hook_old: 'old' })
  const ask = (header: string) => way.authenticate(requestWith({ 'stripe-signature': header }))
  const both = `t=${atS},v1=${hex('other', `${atS}.{"n":1}`)},v1=${hex('old', `${atS}.{"n":1}`)},v0=abc`
  for (const header of [stripe('new'), stripe('old'), both]) assert.ok(ask(header), header)
  assert.equal(ask(stripe('older')), null)
})

test('of two secrets one may be missing; with none there, nobody knows', () => {
  const spec = { secrets: ['hook_new', 'hook_old'] }
  const signed = requestWith({ 'stripe-signature': stripe('old') })
  assert.ok(wayOf('stripe', { hook_old: 'old' }, spec).authenticate(signed))
  assert.throws(() => wayOf('stripe', {}, spec).authenticate(signed), { code: 'secret_missing', retryable: true })
})

test('what was signed holds for its window, to the second, on both sides', () => {
  const way = wayOf('stripe', { hook: 'k' })
  const at = (offsetS: number) => way.authenticate(requestWith({ 'stripe-signature': stripe('k', atS + offsetS) }))
  for (const offsetS of [-300, 0, 300]) assert.ok(at(offsetS), `${offsetS}`)
  for (const offsetS of [-301, 301, -86_400]) assert.equal(at(offsetS), null, `${offsetS}`)
})

function signedSasl(principal: string, seconds: number | string, key = 'proxy', body = '{"n":1}') {
  return {
    'x-principal': principal,
    'x-principal-signature': `t=${seconds},v1=${hex(key, `${seconds}.${principal}.${body}`)}`,
  }
}

test('a principal that a trusted producer names: by the topic, or signed; never over HTTP', () => {
  const spec = { family: 'sasl', header: 'x-principal', roles: [] } as const
  const byTopic = saslWay('sasl', { ...spec, trusted: 'topic' }, secretsOf({}))
  const found = { principal: 'ann', family: 'sasl', roles: [], claims: {} }
  assert.deepEqual(byTopic.authenticate(requestWith({ 'x-principal': 'ann' })), found)
  const http: AuthRequest['http'] = { method: 'POST', url: '/', certificate: null }
  assert.equal(byTopic.authenticate(requestWith({ 'x-principal': 'ann' }, { http })), null)
  const trusted = { secrets: ['proxy'], toleranceMs: 60_000 }
  const signed = saslWay('sasl', { ...spec, trusted }, secretsOf({ proxy: 'proxy' }))
  assert.deepEqual(signed.authenticate(requestWith(signedSasl('ann', atS))), found)
  assert.equal(signed.authenticate(requestWith(signedSasl('ann', atS), { http })), null)
  const wrong = [
    { 'x-principal': 'ann' },
    { ...signedSasl('ann', atS), 'x-principal': 'bob' },
    signedSasl('ann', atS - 61),
    signedSasl('ann', atS, 'another'),
    signedSasl('ann', atS, 'proxy', '{"n":2}'),
  ]
  for (const headers of wrong) assert.equal(signed.authenticate(requestWith(headers)), null, JSON.stringify(headers))
  assert.equal(atUs % 1_000_000, 0)
})
