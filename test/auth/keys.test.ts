/** API keys and passwords: who is found out, who is not, and what is done about a list that cannot be read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiKeyWay } from '../../src/auth/api-key.ts'
import { basicWay } from '../../src/auth/basic.ts'
import { hashKey, hashPassword } from '../../src/auth/stored.ts'
import { requestWith, secretsOf } from './request.ts'

const slow = await hashPassword('open sesame')
const texts = {
  keys: `# partners\nsite-a ${hashKey('key-a')} reader,billing\n\n  site-b\t${hashKey('key-b')}\nold ${slow} archive\n`,
  users: `ann ${slow} billing\nbob ${hashKey('bob-key')}\n`,
}
const secrets = secretsOf(texts)
const byKey = apiKeyWay('site', { family: 'apiKey', header: 'x-api-key', keys: 'keys' }, secrets)
const byPassword = basicWay('basic', { family: 'basic', users: 'users' }, secrets)
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })

test('a key of chance is known at once, with its roles', () => {
  const found = byKey.authenticate(requestWith({ 'x-api-key': 'key-a' }))
  assert.deepEqual(found, { principal: 'site-a', family: 'apiKey', roles: ['reader', 'billing'], claims: {} })
})

test('a key that is stored slowly is looked for once, and known at once after that', async () => {
  const sent = requestWith({ 'x-api-key': 'open sesame' })
  const [first, second] = [byKey.authenticate(sent), byKey.authenticate(sent)]
  assert.ok(first instanceof Promise)
  assert.equal(first, second, 'who asks meanwhile waits for the same answer')
  assert.equal((await first)?.principal, 'old')
  assert.deepEqual(byKey.authenticate(sent), await first)
})

test('a key may stand in authorization', () => {
  const way = apiKeyWay(
    'site',
    { family: 'apiKey', header: 'authorization', keys: 'keys' },
    secretsOf({ keys: `a ${hashKey('k')}` }),
  )
  const found = (text: string) => way.authenticate(requestWith({ authorization: text }))
  assert.deepEqual(
    ['Bearer k', 'ApiKey k'].map((text) => (found(text) as { principal: string }).principal),
    ['a', 'a'],
  )
  for (const text of ['k', 'Basic k', 'Bearer  ', 'Bearer k k']) assert.equal(found(text), null, text)
})

test('name and password are known, with UTF-8 in both', async () => {
  const found = await byPassword.authenticate(requestWith(basic('ann:open sesame')))
  assert.deepEqual(found, { principal: 'ann', family: 'basic', roles: ['billing'], claims: {} })
  const own = secretsOf({ users: `žofie ${await hashPassword('heslo:é')}` })
  const way = basicWay('basic', { family: 'basic', users: 'users' }, own)
  assert.equal((await way.authenticate(requestWith(basic('žofie:heslo:e\u0301'))))?.principal, 'žofie')
})

test('a wrong password and a name that is not there take alike', async () => {
  const timeOf = async (text: string) => {
    const from = performance.now()
    assert.equal(await byPassword.authenticate(requestWith(basic(text))), null)
    return performance.now() - from
  }
  const wrong = [await timeOf('ann:1'), await timeOf('ann:2')]
  const nobody = [await timeOf('nobody:1'), await timeOf('nobody:2')]
  assert.ok(Math.min(...nobody) > Math.min(...wrong) / 3, `${wrong} ${nobody}`)
})

test('a list that changes counts at once: a key that was taken back is none, a new one is', async () => {
  const own: Record<string, string> = { keys: `a ${await hashPassword('one')}` }
  const way = apiKeyWay('site', { family: 'apiKey', header: 'x-api-key', keys: 'keys' }, secretsOf(own))
  const ask = (key: string) => way.authenticate(requestWith({ 'x-api-key': key }))
  assert.equal((await ask('one'))?.principal, 'a')
  own.keys = `b ${hashKey('two')}`
  assert.equal(await ask('one'), null)
  assert.equal((await ask('two'))?.principal, 'b')
})

const broken: readonly [string, string, RegExp][] = [
  ['a word', 'key', /line 1/],
  ['no such hash', `a ${hashKey('k')}\nb md5:d41d8cd98f00b204e9800998ecf8427e`, /line 2/],
  ['half a digest', 'a sha256:abcd', /line 1/],
  ['a cost out of bounds', slow.replace('scrypt:32768', 'a scrypt:9999999'), /line 1/],
  ['too many words', `a ${hashKey('k')} reader writer`, /line 1/],
]
for (const [name, text, why] of broken) {
  test(`a list with ${name} is an outage that names the line, and nothing of it`, () => {
    const way = apiKeyWay('site', { family: 'apiKey', header: 'x-api-key', keys: 'keys' }, secretsOf({ keys: text }))
    assert.throws(
      () => way.authenticate(requestWith({ 'x-api-key': 'k' })),
      (error: Error & { retryable: boolean }) => {
        assert.match(error.message, why)
        assert.ok(error.retryable && !error.message.includes(text.split(' ')[1] ?? 'key-'), error.message)
        return true
      },
    )
  })
}

test('a list that is not there is an outage; who shows no key is nobody all the same', () => {
  const way = apiKeyWay('site', { family: 'apiKey', header: 'x-api-key', keys: 'gone' }, secretsOf({}))
  assert.throws(() => way.authenticate(requestWith({ 'x-api-key': 'k' })), { code: 'secret_missing', retryable: true })
  assert.equal(way.authenticate(requestWith({})), null)
})
