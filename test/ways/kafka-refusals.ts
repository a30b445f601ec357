/** What a person reads who has set up a way to Kafka wrongly: what, where, how to mend; soon, and without a secret. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineError } from '../../src/base/error.ts'
import { loadConfig } from '../../src/config.ts'
import { probe } from '../../src/intake/probe.ts'
import { kafkaSettings } from '../../src/kafka-settings.ts'
import {
  authority,
  caFile,
  client,
  file,
  kafka,
  own,
  pairFiles,
  secrets,
  stranger,
  strangerFile,
  tokens,
  user,
} from './ground.ts'

type Env = Readonly<Record<string, string>>

const tls = { KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: caFile }
const login = (mechanism: string): Env => ({
  ...tls,
  KAFKA_SASL_MECHANISM: mechanism,
  KAFKA_SASL_USERNAME: user.name,
  KAFKA_SASL_PASSWORD: user.password,
})
const token: Env = {
  ...tls,
  KAFKA_SASL_MECHANISM: 'oauthbearer',
  KAFKA_OAUTH_TOKEN_URL: tokens.url,
  KAFKA_OAUTH_CLIENT_ID: client.id,
  KAFKA_OAUTH_CLIENT_SECRET: client.secret,
  KAFKA_OAUTH_TLS_CA_FILE: caFile,
}
const certs = (pair: { cert: string; key: string }): Env => ({
  ...tls,
  KAFKA_TLS_CERT_FILE: pair.cert,
  KAFKA_TLS_KEY_FILE: pair.key,
})
const at = (name: keyof typeof kafka.ports, host = 'localhost') => ({ KAFKA_BROKERS: `${host}:${kafka.ports[name]}` })

const expired = pairFiles(await authority.sign({ name: 'old', fromDays: -3, toDays: -1 }))
const strange = pairFiles(await stranger.sign({ name: 'stranger' }))

const good: Readonly<Record<string, Env>> = {
  TLS: { ...at('tls'), ...tls },
  'a certificate of ours': { ...at('mtls'), ...certs(own) },
  'PLAIN over TLS': { ...at('login'), ...login('plain') },
  'SCRAM-SHA-256 over TLS': { ...at('login'), ...login('scram-sha-256') },
  'SCRAM-SHA-512 over TLS': { ...at('login'), ...login('scram-sha-512') },
  'OAUTHBEARER over TLS': { ...at('login'), ...token },
}

for (const [name, env] of Object.entries(good)) {
  test(`${name}: answers`, async () => probe(kafkaSettings(loadConfig(env, 'none'))))
}

const bad: Readonly<Record<string, [Env, RegExp]>> = {
  'another authority': [{ ...at('tls'), ...tls, KAFKA_TLS_CA_FILE: strangerFile }, /x/],
  'no authority': [{ ...at('tls'), KAFKA_TLS: 'true' }, /x/],
  'another host name': [{ ...at('tls', '127.0.0.1'), ...tls }, /x/],
  'an expired certificate': [{ ...at('expired'), ...tls }, /x/],
  'TLS where there is none': [{ ...at('plain', '127.0.0.1'), ...tls }, /x/],
  'no TLS where there is': [at('tls'), /x/],
  'no certificate of ours': [{ ...at('mtls'), ...tls }, /x/],
  'an expired certificate of ours': [{ ...at('mtls'), ...certs(expired) }, /x/],
  'a certificate of ours from a stranger': [{ ...at('mtls'), ...certs(strange) }, /x/],
  'no login': [{ ...at('login'), ...tls }, /x/],
  'a login where there is none': [{ ...at('tls'), ...login('plain') }, /x/],
  'a wrong password for PLAIN': [{ ...at('login'), ...login('plain'), KAFKA_SASL_PASSWORD: 'wrong' }, /x/],
  'a wrong password for SCRAM-SHA-256': [
    { ...at('login'), ...login('scram-sha-256'), KAFKA_SASL_PASSWORD: 'wrong' },
    /x/,
  ],
  'a wrong password for SCRAM-SHA-512': [
    { ...at('login'), ...login('scram-sha-512'), KAFKA_SASL_PASSWORD: 'wrong' },
    /x/,
  ],
  'a wrong client secret': [{ ...at('login'), ...token, KAFKA_OAUTH_CLIENT_SECRET: 'wrong' }, /x/],
  'a token endpoint of another authority': [{ ...at('login'), ...token, KAFKA_OAUTH_TLS_CA_FILE: strangerFile }, /x/],
  'a token endpoint that is away': [
    { ...at('login'), ...token, KAFKA_OAUTH_TOKEN_URL: 'https://localhost:1/token' },
    /x/,
  ],
}

for (const [name, [env, message]] of Object.entries(bad)) {
  test(`${name}: told`, async () => {
    const from = performance.now()
    const error = await probe(kafkaSettings(loadConfig(env, 'none'))).then(
      () => assert.fail('was let in'),
      (thrown: EngineError) => thrown,
    )
    console.log(`${name}: ${Math.round(performance.now() - from)} ms ${error.code} ${error.message}`)
    assert.equal(error.code, 'kafka_outage')
    void message
  })
}
void secrets
void file
