// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a placeholder is one of the bad credentials
/**
 * Bad credentials of every family: each way of spoiling a good one, in each of its headers and in the body. None lets anybody in, none is
 * an error, and none takes long. What is as good as the good one is named.
 */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { hashKey } from '../../src/auth/stored.ts'
import { gateOf } from '../../src/auth/ways.ts'
import { EngineError } from '../../src/base/error.ts'
import type { Auth } from '../../src/envelope/auth.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { atS, requestWith, secretsOf } from '../auth/request.ts'
import { fc } from '../support/fuzz.ts'

const body = '{"n":1}'
const hex = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex')
const { privateKey, publicKey } = await generateKeyPair('ES256')
const token = await new SignJWT({})
  .setProtectedHeader({ alg: 'ES256' })
  .setIssuer('i')
  .setAudience('a')
  .setSubject('ann')
  .setExpirationTime(atS + 60)
  .sign(privateKey)
const secrets = secretsOf({
  keys: `ann ${hashKey('good-key')}`,
  // Hashed quickly, for each wrong one is hashed.
  users: `ann ${hashKey('password')}`,
  hook: 'hook',
  jwks: JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] }),
})
const said = '{"principal":"ann"}'
const authenticator = {
  call: async (_: string, input: string) => (JSON.parse(input).headers['x-own'] === 'good-key' ? said : null),
}

/** What is good of each way, and whether the body belongs to it. */
const families: Readonly<Record<string, { way: string; headers: Record<string, string>; signsBody: boolean }>> = {
  apiKey: { way: 'apiKey: { keys: keys }', headers: { 'x-api-key': 'good-key' }, signsBody: false },
  basic: {
    way: 'basic: { users: users }',
    headers: { authorization: `Basic ${Buffer.from('ann:password').toString('base64')}` },
    signsBody: false,
  },
  jwt: {
    way: 'jwt: { issuer: i, audience: a, keys: jwks, algorithms: [ES256] }',
    headers: { authorization: `Bearer ${token}` },
    signsBody: false,
  },
  standard: {
    way: 'hmac: { scheme: standard-webhooks, secret: hook, principal: ann }',
    headers: {
      'webhook-id': 'm-1',
      'webhook-timestamp': `${atS}`,
      'webhook-signature': `v1,${createHmac('sha256', 'hook').update(`m-1.${atS}.${body}`).digest('base64')}`,
    },
    signsBody: true,
  },
  github: {
    way: 'hmac: { scheme: github, secret: hook, principal: ann }',
    headers: { 'x-hub-signature-256': `sha256=${hex('hook', body)}` },
    signsBody: true,
  },
  stripe: {
    way: 'hmac: { scheme: stripe, secret: hook, principal: ann }',
    headers: { 'stripe-signature': `t=${atS},v1=${hex('hook', `${atS}.${body}`)}` },
    signsBody: true,
  },
  slack: {
    way: 'hmac: { scheme: slack, secret: hook, principal: ann }',
    headers: { 'x-slack-request-timestamp': `${atS}`, 'x-slack-signature': `v0=${hex('hook', `v0:${atS}:${body}`)}` },
    signsBody: true,
  },
  sasl: {
    way: 'sasl: { trusted: { secret: hook } }',
    headers: { 'x-principal': 'ann', 'x-principal-signature': `t=${atS},v1=${hex('hook', `${atS}.ann.${body}`)}` },
    signsBody: true,
  },
  function: { way: 'function: check', headers: { 'x-own': 'good-key' }, signsBody: false },
}

type Values = string | Buffer | readonly (string | Buffer)[]

/** By what is done to a header. */
const spoilt: Readonly<Record<string, (good: string) => Values>> = {
  empty: () => '',
  'of a space': () => ' ',
  twice: (good) => [good, good],
  'twice, the first wrong': (good) => ['x', good],
  'twice, the second wrong': (good) => [good, 'x'],
  'two in one': (good) => `${good},${good}`,
  'without its end': (good) => good.slice(0, -1),
  'without its beginning': (good) => good.slice(1),
  'half of it': (good) => good.slice(0, good.length / 2),
  'with more behind it': (good) => `${good}x`,
  'with more before it': (good) => `x${good}`,
  'with another last character': (good) => good.slice(0, -2) + (good.endsWith('A') ? 'B=' : 'A='),
  backwards: (good) => [...good].reverse().join(''),
  'with a NUL behind it': (good) => `${good}\0`,
  'with a NUL in it': (good) => `${good.slice(0, 3)}\0${good.slice(3)}`,
  'with a line break': (good) => `${good}\n`,
  'with a header behind it': (good) => `${good}\r\nx-api-key: good-key`,
  'with a tab before it': (good) => `\t${good}`,
  'in quotes': (good) => `"${good}"`,
  'as JSON': (good) => JSON.stringify({ key: good }),
  'as a list': (good) => JSON.stringify([good]),
  'percent-encoded': (good) => [...good].map((each) => `%${each.charCodeAt(0).toString(16)}`).join(''),
  'in full-width letters': (good) =>
    [...good].map((each) => String.fromCodePoint(each.charCodeAt(0) + 0xfee0)).join(''),
  'with a look-alike': (good) => `${good.slice(0, 1)}а${good.slice(2)}`,
  'with a joiner in it': (good) => `${good.slice(0, 2)}\u200d${good.slice(2)}`,
  'behind a byte order mark': (good) => `\ufeff${good}`,
  'that is no UTF-8': (good) => Buffer.concat([Buffer.from(good), Buffer.from([0xff, 0xc3])]),
  'in UTF-16': (good) => Buffer.from(good, 'utf16le'),
  huge: (good) => good + 'a'.repeat(1024 * 1024),
  'huge and nothing else': () => 'A'.repeat(4 * 1024 * 1024),
  null: () => 'null',
  undefined: () => 'undefined',
  __proto__: () => '__proto__',
  constructor: () => 'constructor',
  'a wildcard': () => '*',
  'a pattern': () => '.*',
  SQL: () => "' or 1=1 --",
  'a template': () => '${{ event.auth.principal }}',
  'a path': () => '../../etc/passwd',
  'the hash of the key': () => hashKey('good-key'),
  negative: () => '-1',
  'a fraction': () => `${atS}.5`,
  'beyond all numbers': () => '9'.repeat(400),
  'a number in exponents': () => '1e10',
}

async function ask(name: string, headers: Record<string, Values>, bytes: string | Buffer = body): Promise<Auth | null> {
  try {
    return await gates[name]!.authenticate(requestWith(headers, { body: Buffer.from(bytes as string) }))
  } catch (error) {
    if (error instanceof EngineError && error.code === 'unauthenticated') return null
    throw error
  }
}

const gates = Object.fromEntries(
  Object.entries(families).map(([name, { way }]) => {
    const plan = planFromSource(`name: w\non: { kafka: t }\nauth: [{ ${way} }]\nsteps: [{ id: s, uses: f }]\n`, name)
    return [name, gateOf(plan.auth!, { secrets, authenticator })]
  }),
)

let count = 0
for (const [name, { headers, signsBody }] of Object.entries(families)) {
  test(`${name}: the good one is good, and none of what is made of it`, async () => {
    assert.equal((await ask(name, headers))?.principal, 'ann')
    for (const [header, good] of Object.entries(headers)) {
      const { [header]: _, ...without } = headers
      assert.equal(await ask(name, without), null, `without ${header}`)
      for (const [what, spoil] of Object.entries(spoilt)) {
        const fromMs = performance.now()
        const found = await ask(name, { ...headers, [header]: spoil(good) })
        const tookMs = performance.now() - fromMs
        count++
        assert.equal(found, null, `${header} ${what}`)
        assert.ok(tookMs < 1000, `${header} ${what} took ${tookMs} ms`)
      }
    }
    const bodies = ['', ' ', `${body} `, `${body}\n`, '{"n":2}', '{"n":1.0}', '{ "n":1}', 'x'.repeat(2 * 1024 * 1024)]
    for (const other of signsBody ? bodies : []) {
      count++
      assert.equal(await ask(name, headers, other), null, JSON.stringify(other.slice(0, 20)))
    }
  })

  test(`${name}: whatever bytes are changed, added or left out, it is the good one or nobody`, async () => {
    const change = fc.record({
      at: fc.nat(200),
      byte: fc.integer({ min: 0, max: 255 }),
      cut: fc.nat(3),
      add: fc.uint8Array({ maxLength: 3 }),
    })
    const made = fc.record({
      header: fc.constantFrom(...Object.keys(headers)),
      changes: fc.array(change, { minLength: 1, maxLength: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(made, async ({ header, changes }) => {
        let bytes = Buffer.from(headers[header] as string)
        for (const { at, byte, cut, add } of changes) {
          const from = at % (bytes.length + 1)
          bytes = Buffer.concat([
            bytes.subarray(0, from),
            Buffer.from([byte]),
            Buffer.from(add),
            bytes.subarray(from + cut),
          ])
        }
        const found = await ask(name, { ...headers, [header]: bytes })
        assert.ok(found === null || found.principal === 'ann')
      }),
      { numRuns: 150 },
    )
  })
}

test('there are many of them', () => assert.ok(count > 440, `${count}`))
