/** Who sent a record: what is found out at once, what later, what is met again, and the stamp of the HTTP door. */
import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { hashKey, hashPassword } from '../../src/auth/stored.ts'
import { EngineError } from '../../src/base/error.ts'
import type { Auth } from '../../src/envelope/auth.ts'
import { createDoorStamps, doorHeader } from '../../src/envelope/door-stamp.ts'
import type { RawHeader, RawRecord } from '../../src/envelope/record.ts'
import { createSealer } from '../../src/envelope/seal.ts'
import { sealedRecord } from '../../src/envelope/sealed-value.ts'
import { Gatekeeper } from '../../src/gatekeeper.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { atUs, secretsOf } from './request.ts'

const sealKey = randomBytes(32).toString('hex')
const texts: Record<string, string> = { keys: `site ${hashKey('k')}`, users: `ann ${await hashPassword('pw')}` }
const gatekeeper = new Gatekeeper({
  secrets: secretsOf(texts),
  authenticator: { call: async () => null },
  stamps: createDoorStamps(sealKey),
  sealer: createSealer(sealKey),
})

const planOf = (auth: string, name = 'w') =>
  planFromSource(`name: ${name}\non: { kafka: t }\n${auth}\nsteps: [{ id: s, uses: f }]\n`, 'w.yaml')
const byKey = planOf('auth: [{ apiKey: { keys: keys } }]')
const byPassword = planOf('auth: [{ basic: { users: users } }]')
const open = planOf('')

function record(headers: Record<string, string | Buffer>, value = '{"n":1}'): RawRecord {
  const all = Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text as string) }))
  return { offset: 7, key: null, value: Buffer.from(value), headers: all, timestampUs: atUs, fetchedUs: atUs }
}

const with_ = (to: RawRecord, ...headers: RawHeader[]): RawRecord => ({ ...to, headers: [...to.headers, ...headers] })
const verdict = ({ prepared }: RawRecord, { version }: { version: string }) => prepared?.auth.get(version)
const codeOf = (found: Auth | EngineError | undefined) => (found instanceof EngineError ? found.code : found?.principal)

test('what takes no time is known at once, for each workflow its own, and nobody is asked for by the others', () => {
  const sent = record({ 'X-Api-Key': 'k' })
  assert.ok(gatekeeper.isReady(sent, [byKey, open], 't'))
  assert.equal(codeOf(verdict(sent, byKey)), 'site')
  assert.equal(sent.prepared?.auth.size, 1)
  const unknown = record({ 'X-Api-Key': 'no' })
  assert.ok(gatekeeper.isReady(unknown, [byKey], 't'))
  assert.equal(codeOf(verdict(unknown, byKey)), 'unauthenticated')
})

test('what takes time is begun once, and is there when it was waited for', async () => {
  const sent = record({ authorization: `Basic ${Buffer.from('ann:pw').toString('base64')}` })
  assert.ok(!gatekeeper.isReady(sent, [byPassword], 't') && !gatekeeper.isReady(sent, [byPassword], 't'))
  await gatekeeper.prepare(sent, [byPassword], 't')
  assert.ok(gatekeeper.isReady(sent, [byPassword], 't'))
  assert.equal(codeOf(verdict(sent, byPassword)), 'ann')
})

test('an outage is no answer: it is met again until it is over', async () => {
  const kept = texts.keys as string
  delete texts.keys
  const sent = record({ 'x-api-key': 'k' })
  for (let n = 0; n < 2; n++) {
    assert.ok(!gatekeeper.isReady(sent, [byKey], 't'))
    await assert.rejects(gatekeeper.prepare(sent, [byKey], 't'), { code: 'secret_missing', retryable: true })
  }
  texts.keys = kept
  await gatekeeper.prepare(sent, [byKey], 't')
  assert.equal(codeOf(verdict(sent, byKey)), 'site')
})

const carl: Auth = {
  ...{ principal: 'carl', family: 'jwt', roles: ['r'], claims: { n: 12345678901234567890n } },
  by: { jwt: { principal: 'carl', family: 'jwt', roles: ['r'], claims: {} } },
}

test('the stamp of the door says who it was, in place of the ways, also when the value is sealed on its way', () => {
  const plain = record({ ce_id: 'e-1', 'content-type': 'application/json', traceparent: 'a' })
  const stamped = with_(plain, gatekeeper.stamp(byKey, 't', carl, plain))
  assert.ok(gatekeeper.isReady(stamped, [byKey], 't'))
  assert.deepEqual(verdict(stamped, byKey), carl)
  const sealed = sealedRecord(stamped, new Set(['content-type']), createSealer(sealKey))
  assert.ok(!sealed.value?.equals(plain.value as Buffer) && gatekeeper.isReady(sealed, [byKey], 't'))
  assert.deepEqual(verdict(sealed, byKey), carl)
  const traced = with_(stamped, { name: 'tracestate', value: Buffer.from('b') })
  assert.ok(gatekeeper.isReady(traced, [byKey], 't'))
  assert.deepEqual(verdict(traced, byKey), carl)
})

test('a stamp for another workflow is none of its own: its ways are asked', () => {
  const plain = record({ 'x-api-key': 'k' })
  const stamped = with_(plain, gatekeeper.stamp(planOf('', 'other'), 't', carl, plain))
  assert.ok(gatekeeper.isReady(stamped, [byKey], 't'))
  assert.equal(codeOf(verdict(stamped, byKey)), 'site')
})

const plain = record({ ce_id: 'e-1', 'millrace-http': '{}', 'x-api-key': 'k' })
const stamp = gatekeeper.stamp(byKey, 't', carl, plain)
const changed = Buffer.from(stamp.value)
changed[40] = (changed[40] as number) ^ 1
const foreign = createDoorStamps('another key').stamp({ workflow: 'w', topic: 't', auth: carl, atUs }, plain)
const forged: Readonly<Record<string, RawRecord>> = {
  'on another value': with_({ ...plain, value: Buffer.from('{"n":2}') }, stamp),
  'on another event': with_(record({ ce_id: 'e-2', 'millrace-http': '{}' }), stamp),
  'with an attribute added': with_(plain, stamp, { name: 'CE_Type', value: Buffer.from('t') }),
  'with another request': with_(record({ ce_id: 'e-1', 'millrace-http': '{"path":{}}' }), stamp),
  'made for another topic': with_(plain, gatekeeper.stamp(byKey, 'other', carl, plain)),
  'of another key': with_(plain, foreign),
  'with a bit changed': with_(plain, { name: doorHeader, value: changed }),
  'cut off': with_(plain, { name: doorHeader, value: stamp.value.subarray(0, 40) }),
  'that is empty': with_(plain, { name: doorHeader, value: Buffer.alloc(0) }),
  'of another version': with_(plain, {
    name: doorHeader,
    value: Buffer.concat([Buffer.from([2]), stamp.value.subarray(1)]),
  }),
  'that is there twice': with_(plain, stamp, { ...stamp, name: 'Millrace-Door' }),
}
for (const [name, sent] of Object.entries(forged)) {
  test(`a stamp ${name} is refused, whatever else the record shows`, () => {
    assert.ok(gatekeeper.isReady(sent, [byKey], 't'))
    assert.equal(codeOf(verdict(sent, byKey)), 'unauthenticated')
  })
}

test('a dead letter that is read again is looked at as of when it was sent', () => {
  const signed = planOf('auth: [{ sasl: { trusted: { secret: proxy } } }]')
  texts.proxy = 'proxy'
  const seconds = atUs / 1_000_000
  const signature = createHmac('sha256', 'proxy').update(`${seconds}.ann.{"n":1}`).digest('hex')
  const first = record({ 'x-principal': 'ann', 'x-principal-signature': `t=${seconds},v1=${signature}` })
  const again = { ...first, timestampUs: null, fetchedUs: atUs + 86_400_000_000 }
  const kept = { ...again, sentUs: atUs }
  for (const each of [again, kept]) assert.ok(gatekeeper.isReady(each, [signed], 't'))
  assert.deepEqual(
    [again, kept].map((each) => codeOf(verdict(each, signed))),
    ['unauthenticated', 'ann'],
  )
})

test('nobody is asked for of events that a workflow waits for, or passes over for their type', () => {
  const typed = planFromSource(
    'name: w\non: { kafka: { topic: t, type: order } }\nauth: [{ apiKey: { keys: keys } }]\nsteps: [{ id: s, wait: { topic: news, key: event.key } }]\n',
    'w.yaml',
  )
  const sent = (type: string, more = {}) => record({ ce_type: type, 'x-api-key': 'k', ...more })
  const [news, other, own] = [sent('order'), sent('refund'), sent('order')]
  const structured = sent('refund', { 'content-type': 'application/cloudevents+json' })
  assert.ok(gatekeeper.isReady(news, [typed], 'news'))
  for (const each of [other, own, structured]) assert.ok(gatekeeper.isReady(each, [typed], 't'))
  const known = [news, other, own, structured].map((each) => codeOf(verdict(each, typed)))
  assert.deepEqual(known, [undefined, undefined, 'site', 'site'])
})
