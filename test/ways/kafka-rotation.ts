/** What is replaced while a coordinator runs: its certificates, what it believes, and its tokens. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { Kafka } from 'kafkajs'
import { PemFile } from '../../src/base/tls.ts'
import { loadConfig } from '../../src/config.ts'
import { createClient } from '../../src/intake/client.ts'
import { Tokens } from '../../src/intake/tokens.ts'
import { kafkaSettings } from '../../src/kafka-settings.ts'
import { authority, caFile, file, client as oauthClient, pairFiles, secrets, stranger, tokens } from './ground.ts'
import { at, certificate } from './settings.ts'

test('Kafka: certificates that are replaced are taken from the next connection on', async () => {
  const files = { ca: file(authority.pem), ...pairFiles(await authority.sign({ name: 'first' })) }
  const kafka = clientBy({ ...at('mtls'), ...certificate(files), KAFKA_TLS_CA_FILE: files.ca })
  await answers(kafka)
  const other = await stranger.sign({ name: 'second' })
  writeFileSync(files.cert, other.cert)
  await assert.rejects(answers(kafka), /key values mismatch/)
  writeFileSync(files.key, other.key)
  await assert.rejects(answers(kafka), /refuses our certificate .*: does it trust CN=a stranger, who signed it\?/)
  const third = await authority.sign({ name: 'third' })
  writeFileSync(files.cert, third.cert)
  writeFileSync(files.key, third.key)
  await answers(kafka)
  writeFileSync(files.ca, stranger.pem)
  await assert.rejects(answers(kafka), /nobody we trust has signed its certificate/)
  writeFileSync(files.ca, `${stranger.pem}\n${authority.pem}\n`)
  await answers(kafka)
  for (const path of [files.ca, files.cert, files.key]) rmSync(path)
  await answers(kafka)
})

const bad: Readonly<Record<string, [Record<string, string>, RegExp]>> = {
  'a certificate without its key': [
    { KAFKA_TLS_CERT_FILE: caFile },
    /KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE go together/,
  ],
  'a file that is not there': [
    { KAFKA_TLS_CA_FILE: '/nowhere.pem' },
    /KAFKA_TLS_CA_FILE: \/nowhere\.pem: there is no such file/,
  ],
  'a file of something else': [{ KAFKA_TLS_CA_FILE: file('hello') }, /KAFKA_TLS_CA_FILE: .* is not PEM/],
  'a password of nobody': [
    { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_PASSWORD: 'x' },
    /KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD must be too/,
  ],
  'tokens from nowhere': [
    { KAFKA_SASL_MECHANISM: 'oauthbearer' },
    /so KAFKA_OAUTH_TOKEN_URL, KAFKA_OAUTH_CLIENT_ID and/,
  ],
  'tokens from a URL with a password': [
    {
      KAFKA_SASL_MECHANISM: 'oauthbearer',
      KAFKA_OAUTH_TOKEN_URL: 'https://user:canary@issuer/token',
      KAFKA_OAUTH_CLIENT_ID: 'me',
      KAFKA_OAUTH_CLIENT_SECRET: 'x',
    },
    /KAFKA_OAUTH_TOKEN_URL: expected https:\/\/host\/path, without a user or password/,
  ],
}

for (const [name, [env, message]] of Object.entries(bad)) {
  test(`Kafka, ${name}: refused before anything is asked`, () => {
    const config = loadConfig({ ...at('tls'), KAFKA_TLS: 'true', ...env }, 'none')
    assert.throws(
      () => kafkaSettings(config),
      (error) => {
        assert.ok(!inspect(error).includes('canary'))
        return message.test(String(error)) && (error as { code?: string }).code === 'config_invalid'
      },
    )
  })
}

test('a token is used until it is about to expire, and asked for once by all who want it', async () => {
  const tokensOf = freshTokens()
  tokens.behaviour.lifeS = 300
  const asked = tokens.grants.length
  const all = await Promise.all([1, 2, 3].map(() => tokensOf.token()))
  assert.equal(new Set(all.map(({ value }) => value)).size, 1)
  await tokensOf.token()
  assert.equal(tokens.grants.length, asked + 1)
})

test('one that is about to expire is replaced; where that fails, it is used as long as it is valid', async () => {
  const tokensOf = freshTokens()
  tokens.behaviour.lifeS = 10
  const { value } = await tokensOf.token()
  tokens.behaviour.instead = () => ({ status: 503, body: '{}' })
  assert.equal((await tokensOf.token()).value, value)
  tokens.behaviour.instead = null
  tokens.behaviour.lifeS = 300
  assert.notEqual((await tokensOf.token()).value, value)
})

test('an endpoint that answers with what it was told, with nonsense, or with too much: told without a secret', async () => {
  const echo = (secret: string) =>
    JSON.stringify({ error: 'invalid_client', error_description: `not ${secret} ${secrets.clientSecret}` })
  const answersOf: [string, RegExp][] = [
    [echo('it'), /invalid_client: not it …; are KAFKA_OAUTH_CLIENT_ID/],
    ['<html>', /no token for Kafka from /],
    [JSON.stringify({ access_token: 'x'.repeat(100_000), token_type: 'Bearer' }), /more than 65536 bytes/],
  ]
  for (const [body, message] of answersOf) {
    tokens.behaviour.instead = () => ({ status: body.startsWith('{"error') ? 401 : 200, body })
    await assert.rejects(freshTokens().token(), (error) => {
      assert.ok(!inspect(error, { depth: 10 }).includes(secrets.clientSecret))
      return message.test(String(error))
    })
  }
  tokens.behaviour.instead = null
})

function freshTokens(): Tokens {
  const tls = { ca: new PemFile('KAFKA_OAUTH_TLS_CA_FILE', caFile) }
  return new Tokens({
    url: tokens.url,
    clientId: oauthClient.id,
    clientSecret: oauthClient.secret,
    scope: 'kafka',
    tls,
  })
}

function clientBy(env: Record<string, string>): Kafka {
  return createClient(kafkaSettings(loadConfig(env, 'none')), { retry: { retries: 0 } })
}

/** Over a connection of its own. */
async function answers(kafka: Kafka): Promise<void> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    await admin.listTopics()
  } finally {
    await admin.disconnect()
  }
}
