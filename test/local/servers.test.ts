import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '../../src/base/poll.ts'
import { isAlive } from '../../src/local/life.ts'
import { startServers } from '../../src/local/servers.ts'
import { folderFor } from './folder.ts'

test('when the owner is killed, its servers end, and the next owner may start at once', async (t) => {
  const dir = folderFor(t)
  const owner = startOwner(t, dir)
  const pids = await pidsOf(owner)
  assert.deepEqual(pids.map(isAlive), [true, true])
  owner.kill('SIGKILL')
  await using servers = await startServers({ dir })
  assert.deepEqual(pids.map(isAlive), [false, false])
  assert.equal(servers.kafkaBrokers?.length, 1)
  await servers.stop()
  await servers.stop()
  assert.deepEqual(servers.pids.map(isAlive), [false, false])
})

test('when the owner is killed and nobody follows, its servers end', async (t) => {
  const owner = startOwner(t, folderFor(t))
  const pids = await pidsOf(owner)
  owner.kill('SIGKILL')
  await until('the end of both', () => !pids.some(isAlive), { forMs: 10_000 })
})

test('when one fails, the other is stopped before the error is thrown', async (t) => {
  const dir = folderFor(t)
  mkdirSync(join(dir, 'kafka', 'logs'), { recursive: true })
  writeFileSync(join(dir, 'kafka', 'logs', 'meta.properties'), 'version=99\n')
  await assert.rejects(startServers({ dir }), { code: 'local_start_failed', message: /Kafka.*meta\.properties/s })
  await using postgres = await startServers({ dir, kafka: false })
  assert.equal(postgres.kafkaBrokers, null)
})

function startOwner(t: TestContext, dir: string): ChildProcess {
  const program = fileURLToPath(new URL('./fixtures/owner.js', import.meta.url))
  const owner = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => void owner.kill('SIGKILL'))
  return owner
}

async function pidsOf(owner: ChildProcess): Promise<number[]> {
  for await (const line of createInterface(owner.stdout!)) return JSON.parse(line)
  throw new Error('the owner ended before it had started the servers')
}
