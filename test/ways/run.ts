/** A coordinator that is not let in: it says why each time it tries, gives up when its time is over, and tells no secret. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCoordinator } from '../support/coordinator.ts'
import { freshProject } from '../support/project.ts'
import { freshLedger } from '../support/servers.ts'
import { databaseUrl, file } from './ground.ts'
import { at, type Env, login, planted, ways } from './settings.ts'

const wrong = 'canary-of-a-wrong-one'

test('a wrong password for Kafka, for Postgres: told again and again, and the end comes in time', async () => {
  const { databaseUrl: plain } = await freshLedger()
  const dir = await freshProject({
    'none.yaml': 'name: none\non: { kafka: films }\nsteps:\n  - { id: wait, sleep: 1s }\n',
  })
  const database = new URL(plain).pathname.slice(1)
  const tls = { sslmode: 'require' }
  const cases: [Env, RegExp][] = [
    [
      { ...at('login'), ...login('scram-sha-512'), KAFKA_SASL_PASSWORD: wrong, DATABASE_URL: plain },
      /Kafka at localhost:\d+: connect: .*invalid credentials.*; are KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD right/,
    ],
    [
      { ...ways.PLAIN, DATABASE_URL_FILE: file(databaseUrl({ database, password: wrong }, tls)) },
      /Postgres at localhost:\d+\/\w+: password authentication failed .*are the user and the password in DATABASE_URL right/,
    ],
  ]
  await Promise.all(
    cases.map(async ([env, message]) => {
      const coordinator = runCoordinator(dir, { ...env, MILLRACE_START_TIMEOUT: '3s', MILLRACE_LOG_LEVEL: 'debug' })
      assert.deepEqual(await coordinator.exited, { code: 1, signal: null })
      const logs = coordinator.logs()
      assert.match(logs, new RegExp(`"level":"warn".*${message.source}.*trying again`))
      assert.match(logs, new RegExp(`^error: ${message.source}`, 'm'))
      assert.deepEqual(
        [wrong, ...planted].filter((secret) => logs.includes(secret)),
        [],
      )
    }),
  )
})
