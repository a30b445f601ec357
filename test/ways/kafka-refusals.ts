/** What a person reads who has set up a way to Kafka wrongly: what, where, how to mend; soon, and without a secret. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { EngineError } from '../../src/base/error.ts'
import { loadConfig } from '../../src/config.ts'
import { probe } from '../../src/intake/probe.ts'
import { kafkaSettings } from '../../src/kafka-settings.ts'
import { authority, pairFiles, secrets, stranger, strangerFile } from './ground.ts'
import { at, certificate, type Env, login, tls, token, ways } from './settings.ts'

const expired = pairFiles(await authority.sign({ name: 'old', fromDays: -3, toDays: -1 }))
const strange = pairFiles(await stranger.sign({ name: 'stranger' }))

for (const [name, env] of Object.entries(ways)) {
  test(`Kafka, ${name}: answers`, async () => probe(kafkaSettings(loadConfig(env, 'none'))))
}

const bad: Readonly<Record<string, [Env, RegExp]>> = {
  'another authority': [
    { ...at('tls'), ...tls, KAFKA_TLS_CA_FILE: strangerFile },
    /nobody we trust has signed its certificate: KAFKA_TLS_CA_FILE must hold/,
  ],
  'no authority': [
    { ...at('tls'), KAFKA_TLS: 'true' },
    /nobody we trust has signed its certificate: KAFKA_TLS_CA_FILE must hold/,
  ],
  'another host name': [
    { ...at('tls', '127.0.0.1'), ...tls },
    /its certificate is for DNS:localhost, not for 127\.0\.0\.1: call it by/,
  ],
  'an expired certificate': [{ ...at('expired'), ...tls }, /its certificate has expired: it needs a new one/],
  'TLS where there is none': [{ ...at('plain', '127.0.0.1'), ...tls }, /does it speak TLS at this port\?/],
  'no TLS where there is': [at('tls'), /hung up at once: does it want TLS \(KAFKA_TLS\)/],
  'no certificate of ours': [
    { ...at('mtls'), ...tls },
    /wants a certificate of ours: set KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE/,
  ],
  'an expired certificate of ours': [
    { ...at('mtls'), ...certificate(expired) },
    /refuses our certificate \(KAFKA_TLS_CERT_FILE .*\): it has expired on 20/,
  ],
  'a certificate of ours from a stranger': [
    { ...at('mtls'), ...certificate(strange) },
    /refuses our certificate .*: does it trust CN=a stranger, who signed it\?/,
  ],
  'no login': [{ ...at('login'), ...tls }, /hung up at once: does it want a login \(KAFKA_SASL_MECHANISM\)\?/],
  'a login where there is none': [
    { ...at('tls'), ...login('plain') },
    /takes no login at this port: is KAFKA_SASL_MECHANISM set by mistake/,
  ],
  'a wrong password for PLAIN': [
    { ...at('login'), ...login('plain'), KAFKA_SASL_PASSWORD: 'wrong' },
    /Invalid username or password; are KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD right/,
  ],
  'a wrong password for SCRAM-SHA-256': [
    { ...at('login'), ...login('scram-sha-256'), KAFKA_SASL_PASSWORD: 'wrong' },
    /invalid credentials .*; are KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD right/,
  ],
  'a wrong password for SCRAM-SHA-512': [
    { ...at('login'), ...login('scram-sha-512'), KAFKA_SASL_PASSWORD: 'wrong' },
    /invalid credentials .*; are KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD right/,
  ],
  'a wrong client secret': [
    { ...at('login'), ...token, KAFKA_OAUTH_CLIENT_SECRET: 'wrong' },
    /no token .*: invalid_client: .*; are KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET right\?/,
  ],
  'a token endpoint of another authority': [
    { ...at('login'), ...token, KAFKA_OAUTH_TLS_CA_FILE: strangerFile },
    /no token .*: nobody we trust has signed its certificate: KAFKA_OAUTH_TLS_CA_FILE must/,
  ],
  'a token that the broker does not take': [
    { ...at('login'), ...token, KAFKA_OAUTH_SCOPE: '' },
    /the broker refuses our token \(.*invalid_token.*\): does it take tokens of KAFKA_OAUTH_TOKEN_URL/,
  ],
  'a token endpoint that is away': [
    { ...at('login'), ...token, KAFKA_OAUTH_TOKEN_URL: 'https://localhost:1/token' },
    /no token for Kafka from https:\/\/localhost:1\/token: .*ECONNREFUSED/,
  ],
}

for (const [name, [env, message]] of Object.entries(bad)) {
  test(`Kafka, ${name}: told soon, with what to mend`, async () => {
    const fromMs = performance.now()
    const error = await probe(kafkaSettings(loadConfig(env, 'none'))).then(
      () => assert.fail('was let in'),
      (thrown: EngineError) => thrown,
    )
    assert.match(error.message, message)
    assert.ok(error.message.startsWith(`Kafka at ${env.KAFKA_BROKERS}: `), error.message)
    assert.ok(error.code === 'kafka_outage' && error.retryable)
    assert.ok(performance.now() - fromMs < soonMs, `${performance.now() - fromMs} ms`)
    for (const secret of Object.values(secrets)) assert.ok(!inspect(error, { depth: 10 }).includes(secret))
  })
}

/** Milliseconds; the client's own patience with a connection is 3 s. */
const soonMs = 5000
