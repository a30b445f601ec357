/**
 * A coordinator that cannot start says what is wrong and where, tries for a bounded time what may mend itself, and ends
 * with a code that is not zero. It never shows a password or a stack trace.
 */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../src/base/poll.ts'
import { atEnd } from '../support/at-end.ts'
import { runCoordinator } from '../support/coordinator.ts'
import { freshProject } from '../support/project.ts'
import { freshDatabase, freshLedger, servers } from '../support/servers.ts'

const { brokers } = await servers()
const { databaseUrl } = await freshLedger()
const password = 'do-not-show-me'
const good = { KAFKA_BROKERS: brokers.join(','), DATABASE_URL: databaseUrl, MILLRACE_START_TIMEOUT: '3s' }
const step = 'steps: [{ id: note, uses: note }]'
const functions = {
  'functions/note.ts': `import { defineFunction } from 'millrace'\nexport default defineFunction({ run: () => 1 })\n`,
}
const folder = await freshProject({ 'fine.yaml': `name: fine\non: { kafka: never-made }\n${step}\n`, ...functions })

interface Ended {
  readonly code: number | null
  readonly logs: string
  readonly tookMs: number
}

async function ended(env: Readonly<Record<string, string>>, dir = folder): Promise<Ended> {
  const from = performance.now()
  const coordinator = runCoordinator(dir, { ...good, ...env })
  const { code } = await coordinator.exited
  const logs = coordinator.logs()
  assert.ok(!logs.includes(password), `the password is shown:\n${logs}`)
  assert.doesNotMatch(logs, /\n\s+at .*:\d+:\d+/, 'a stack trace is shown')
  return { code, logs, tookMs: performance.now() - from }
}

describe('a server that is away is named, waited for and given up', { concurrency: 3 }, () => {
  const tries = (logs: string) => logs.match(/trying again in/g)?.length ?? 0

  it('Kafka', async () => {
    const address = `127.0.0.1:${await closedPort()}`
    const { code, logs, tookMs } = await ended({ KAFKA_BROKERS: address })
    assert.equal(code, 1)
    assert.match(logs, new RegExp(`error: Kafka at ${address}\\b.* \\(kafka_outage\\)\\n$`))
    assert.ok(tries(logs) >= 1, logs)
    assert.ok(tookMs < 10_000, `${tookMs} ms`)
  })

  it('Kafka, where somebody listens who does not answer', async () => {
    const address = `127.0.0.1:${await deafPort()}`
    const { code, logs, tookMs } = await ended({ KAFKA_BROKERS: address })
    assert.equal(code, 1)
    assert.match(logs, new RegExp(`error: Kafka at ${address}\\b.* \\(kafka_outage\\)\\n$`))
    assert.ok(tookMs < 20_000, `${tookMs} ms`)
  })

  it('Kafka, by a name that nobody has', async () => {
    const { code, logs } = await ended({ KAFKA_BROKERS: 'kafka.invalid:9092' })
    assert.equal(code, 1)
    assert.match(logs, /error: Kafka at kafka\.invalid:9092\b.* \(kafka_outage\)\n$/)
  })

  it('Postgres', async () => {
    const address = `127.0.0.1:${await closedPort()}`
    const { code, logs, tookMs } = await ended({ DATABASE_URL: `postgres://anna:${password}@${address}/shop` })
    assert.equal(code, 1)
    assert.match(logs, new RegExp(`error: Postgres at ${address}/shop: .* \\(ledger_outage\\)\\n$`))
    assert.ok(tries(logs) >= 2, logs)
    assert.ok(tookMs < 10_000, `${tookMs} ms`)
  })

  it('Postgres, where somebody listens who does not answer', async () => {
    const address = `127.0.0.1:${await deafPort()}`
    const { code, logs, tookMs } = await ended({ DATABASE_URL: `postgres://anna:${password}@${address}/shop` })
    assert.equal(code, 1)
    assert.match(logs, new RegExp(`error: Postgres at ${address}/shop: .* \\(ledger_outage\\)\\n$`))
    assert.ok(tookMs < 20_000, `${tookMs} ms`)
  })

  it('Postgres, with a password that is not the right one', async () => {
    const url = new URL(databaseUrl)
    url.username = 'nobody_of_this_name'
    url.password = password
    const { code, logs } = await ended({ DATABASE_URL: url.href })
    assert.equal(code, 1)
    assert.match(logs, new RegExp(`error: Postgres at ${url.host}${url.pathname}: .*nobody_of_this_name`))
  })
})

describe('what a person must mend is said at once', { concurrency: 3 }, () => {
  it('a ledger that is not migrated', async () => {
    const patience = { MILLRACE_START_TIMEOUT: '60s' }
    const { code, logs, tookMs } = await ended({ DATABASE_URL: await freshDatabase(), ...patience })
    assert.equal(code, 1)
    assert.match(logs, /error: the ledger lacks 0001_\S+.*: run `millrace migrate` first/)
    assert.ok(tookMs < 20_000, `${tookMs} ms`)
  })

  it('every problem of every workflow file', async () => {
    const dir = await freshProject({
      'one.yaml': `name: one\non: { kafka: a }\nsteps:\n  - { id: note, uses: notes }\n  - { id: note, uses: note, tiemout: 3s }\n`,
      'two.yaml': `name: Two\non: { kafka: a }\nkey: event.dta.n\n${step}\n`,
      'fine.yaml': `name: fine\non: { kafka: a }\n${step}\n`,
      ...functions,
    })
    const { code, logs } = await ended({}, dir)
    assert.equal(code, 1)
    const places = [...logs.matchAll(/^(\S+?):(\d+):\d+: /gm)].map(([, file, line]) => `${file}:${line}`)
    for (const place of ['one.yaml:4', 'one.yaml:5', 'two.yaml:1', 'two.yaml:3']) {
      assert.ok(places.includes(join(dir, place)), `${place} is missing:\n${logs}`)
    }
    assert.ok(!logs.includes('fine.yaml'), logs)
  })

  it('a folder that is not there', async () => {
    const { code, logs } = await ended({}, join(folder, 'nowhere'))
    assert.equal(code, 1)
    assert.match(logs, /nowhere/)
  })

  it('a setting that cannot be', async () => {
    const { code, logs } = await ended({ MILLRACE_DRAIN_TIMEOUT: 'soon' })
    assert.equal(code, 2)
    assert.match(logs, /error: MILLRACE_DRAIN_TIMEOUT: "soon" is not valid, expected a duration/)
  })

  it('no address of Kafka or Postgres', async () => {
    const [kafka, postgres] = await Promise.all([ended({ KAFKA_BROKERS: '' }), ended({ DATABASE_URL: '' })])
    assert.equal(kafka.code, 2)
    assert.match(kafka.logs, /error: .*KAFKA_BROKERS/)
    assert.equal(postgres.code, 2)
    assert.match(postgres.logs, /error: .*DATABASE_URL/)
  })

  it('a workflow that asks who sends its events, without a key to seal what they show or a secret to know them by', async () => {
    const file = `name: asks\non: { kafka: a }\nauth: [{ apiKey: { keys: film_keys } }]\n${step}\n`
    const dir = await freshProject({ 'asks.yaml': file, ...functions })
    const { code, logs } = await ended({}, dir)
    assert.equal(code, 1)
    assert.match(logs, /asks\.yaml:3:1: .*has auth.*MILLRACE_SEAL_KEY/)
    assert.match(logs, /asks\.yaml:3:1: the secret "film_keys" is not there; .*MILLRACE_SECRET_FILM_KEYS/)
  })

  it('a port that somebody else has', async () => {
    const port = await deafPort()
    const { code, logs } = await ended({ MILLRACE_HTTP_PORT: String(port), MILLRACE_HTTP_HOST: '127.0.0.1' })
    assert.equal(code, 1)
    assert.match(logs, new RegExp(`error: port ${port} .*MILLRACE_HTTP_PORT`))
  })
})

const closed = `127.0.0.1:${await closedPort()}`
const waiting = {
  'for a topic': {},
  'for Kafka': { KAFKA_BROKERS: closed, MILLRACE_START_TIMEOUT: '60s' },
  'for Postgres': { DATABASE_URL: `postgres://anna:${password}@${closed}/shop`, MILLRACE_START_TIMEOUT: '60s' },
}

describe('one that waits', { concurrency: 3 }, () => {
  for (const [name, env] of Object.entries(waiting)) {
    it(`${name} ends at SIGTERM, with 0`, async () => {
      const coordinator = runCoordinator(folder, { ...good, ...env })
      await until('it to wait', () => /waiting for topics|trying again/.test(coordinator.logs()), { forMs: 20_000 })
      await sleep(300)
      const from = performance.now()
      coordinator.signal('SIGTERM')
      assert.deepEqual(await coordinator.exited, { code: 0, signal: null }, coordinator.logs())
      assert.ok(performance.now() - from < 5000, `${performance.now() - from} ms`)
    })
  }

  it('for a topic is alive, not ready, and says why', async () => {
    const coordinator = runCoordinator(folder, good)
    await until('it to wait', () => coordinator.logs().includes('waiting for topics'), { forMs: 20_000 })
    const port = /\/readyz on port (\d+)/.exec(coordinator.logs())?.[1]
    const alive = await fetch(`http://127.0.0.1:${port}/healthz`)
    assert.equal(alive.status, 200)
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`)
    assert.equal(ready.status, 503)
    const { reasons } = (await ready.json()) as { reasons: string[] }
    assert.deepEqual(reasons, ['waiting for topic never-made'])
    coordinator.signal('SIGTERM')
    await coordinator.exited
  })
})

/** A port at which nobody listens just now. */
async function closedPort(): Promise<number> {
  const server = await listening()
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A port at which somebody listens and never says a word. */
async function deafPort(): Promise<number> {
  const server = await listening()
  atEnd(() => server.close())
  return (server.address() as AddressInfo).port
}

async function listening(): Promise<Server> {
  const server = createServer((socket) => void socket.on('error', () => undefined).unref())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
