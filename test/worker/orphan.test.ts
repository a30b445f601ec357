/** Nothing survives its coordinator. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cacheDir, fixtures, isAlive, untilDead } from './harness.ts'

it("a process in a busy loop is gone within a second of its coordinator's kill -9", { timeout: 20_000 }, async () => {
  const program = fileURLToPath(new URL('./fixtures/coordinator.js', import.meta.url))
  const coordinator = spawn(process.execPath, [program, join(fixtures, 'functions'), cacheDir, 'blocks', 'true'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface(coordinator.stdout), 'line')
  const pid = Number(line)
  await sleep(200)
  assert.ok(isAlive(pid))
  coordinator.kill('SIGKILL')
  await once(coordinator, 'exit')
  await untilDead(pid, 1000)
})
