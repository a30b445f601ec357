/**
 * Coordinators at work over every way at once, each an engine of its own on one topic: intake, group, admin, outbox and its
 * transactions, while the broker ends their sessions, and nothing of a secret to be seen anywhere.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { until } from '../../src/base/poll.ts'
import { millrace, type Result } from '../cli/millrace.ts'
import { atEnd } from '../support/at-end.ts'
import { runCoordinator } from '../support/coordinator.ts'
import { freshProject } from '../support/project.ts'
import { freshReader, text } from '../support/reader.ts'
import { terminate } from '../support/scene.ts'
import { freshDatabase, freshTopic, unique } from '../support/servers.ts'
import { tokens } from './ground.ts'
import { sessionMsMax } from './kafka-server.ts'
import { type Env, ledgers, planted, ways } from './settings.ts'

/** Events of each round, one before and one after the broker has ended every session. */
const events = 20

test('coordinators over every way: all that comes is done once and published, and no secret is seen', async () => {
  const [from, to] = [unique('films'), unique('shown')]
  await freshTopic(2, from)
  await freshTopic(2, to)
  const reader = await freshReader([to])
  const plainUrl = await freshDatabase()
  const { byPassword, byCertificate } = ledgers(new URL(plainUrl).pathname.slice(1))
  const ledger = new pg.Pool({ connectionString: plainUrl, max: 1 })
  atEnd(() => ledger.end())
  const dir = await freshProject(filesOf(from, to))
  const sealKey = unique('seal-key')
  const said: Result[] = []
  const cli = async (args: string[], env: Env) => {
    const result = await millrace(dir, args, { env: { ...env } })
    said.push(result)
    assert.equal(result.code, 0, `${args}: ${result.stderr}`)
    return result.stdout
  }
  await cli(['migrate'], byPassword)

  tokens.behaviour.lifeS = sessionMsMax / 1000 + 2
  const fromMs = performance.now()
  const names = Object.keys(ways)
  const envs = names.map((name, index) => ({
    ...ways[name],
    ...(index % 2 === 0 ? byPassword : byCertificate),
    MILLRACE_ENGINE: `engine_${index}`,
    MILLRACE_SEAL_KEY: sealKey,
    MILLRACE_LOG_LEVEL: 'debug',
  }))
  const coordinators = envs.map((env) => runCoordinator(dir, env))
  await publish('SCRAM-SHA-512')
  await ended(events)
  const children = coordinators.flatMap(({ pid }) => childrenOf(pid))
  await sleep(Math.max(0, sessionMsMax + 1000 - (performance.now() - fromMs)))
  await publish('OAUTHBEARER')
  await ended(2 * events)

  await reader.until(names.length * 2 * events)
  const shown = reader.seen.map((each) => text(each, 'millrace-message-id'))
  assert.equal(new Set(shown).size, names.length * 2 * events)
  assert.ok(tokens.grants.length > 3 && tokens.grants.every(({ scope }) => scope === 'kafka'))
  assert.match(await cli(['lanes'], envs[0] as Env), new RegExp(from))
  await cli(['verify', '--json'], envs[3] as Env)
  await cli(['settings'], envs[4] as Env)
  await Promise.all(coordinators.map(terminate))
  for (const [index, { logs }] of coordinators.entries()) assert.doesNotMatch(logs(), /is away/, names[index])
  assertUnseen([...coordinators.map(({ logs }) => logs()), ...said.flatMap(({ stdout, stderr }) => [stdout, stderr])])
  assert.ok(children.length >= names.length)
  assertUnseen(children)

  async function publish(way: string): Promise<void> {
    const input = Array.from({ length: events }, (_, index) => JSON.stringify({ index, way })).join('\n')
    const { code, stderr } = await millrace(dir, ['publish', from, '--file', '-'], { input, env: { ...ways[way] } })
    assert.equal(code, 0, stderr)
  }

  async function ended(count: number): Promise<void> {
    const sql = `select count(*) = ${names.length * count} from millrace.transactions where state = 'completed'`
    await until(`${count} of each to end`, async () => (await ledger.query(sql)).rows[0]['?column?'], {
      forMs: 60_000,
    }).catch((error) =>
      assert.fail(`${error.message}\n${coordinators.map(({ logs }) => logs().slice(-3000)).join('\n')}`),
    )
  }

  function assertUnseen(texts: readonly string[]): void {
    const found = [...planted, sealKey, ...tokens.grants.map(({ token }) => token)].filter((secret) =>
      texts.some((text) => text.includes(secret)),
    )
    assert.deepEqual(found, [])
  }
})

function filesOf(from: string, to: string): Record<string, string> {
  return {
    'film.yaml': `
name: film
on: { kafka: ${from} }
steps:
  - { id: show, uses: show, with: '\${{ event.data }}' }
publish:
  completed: { topic: ${to}, value: '\${{ steps.show.output }}' }
`,
    'functions/show.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => ({ shown: input, env: { ...process.env } }) })`,
  }
}

/** What all of its processes show to the machine: how each was called, and its environment. */
function childrenOf(pid: number): string[] {
  const pids = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
  )
  return pids.flatMap((child) => [
    readFileSync(`/proc/${child}/environ`, 'utf8') + readFileSync(`/proc/${child}/cmdline`, 'utf8'),
    ...childrenOf(Number(child)),
  ])
}
