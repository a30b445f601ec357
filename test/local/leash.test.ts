import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { leash, type Program, runToEnd } from '../../src/local/leash.ts'
import { isAlive } from '../../src/local/life.ts'
import { folderFor } from './folder.ts'

const program = (dir: string, script: string): Program => ({
  name: 'a program',
  command: '/bin/sh',
  args: ['-c', script],
  env: process.env,
  cwd: dir,
  logFile: join(dir, 'program.log'),
  stopSignal: 'TERM',
  graceMs: 500,
})

test('a program is asked to stop, and stopping twice is safe', async (t) => {
  const dir = folderFor(t)
  const script = 'trap "echo asked; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
  const running = await leash(program(dir, script))
  const said = () => readFileSync(join(dir, 'program.log'), 'utf8')
  await until('its first word', () => said().includes('ready'), { forMs: 5000 })
  await Promise.all([running.stop(), running.stop()])
  await running.stop()
  assert.equal(await running.exited, 3)
  assert.equal(said(), 'ready\nasked\n')
})

test('a program that will not stop is killed after its grace', async (t) => {
  const dir = folderFor(t)
  const running = await leash(program(dir, 'trap "" TERM; echo ready; while :; do sleep 0.05; done'))
  await until('its first word', () => readFileSync(join(dir, 'program.log'), 'utf8') !== '', { forMs: 5000 })
  await running.stop()
  assert.equal(isAlive(running.pid), false)
})

test('a program that ends badly is quoted', async (t) => {
  const failing = program(folderFor(t), 'echo first; echo the disk is full >&2; exit 7')
  await assert.rejects(runToEnd(failing), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'local_start_failed')
    assert.match(error.message, /a program ended with code 7.*first\n\s+the disk is full$/s)
    return true
  })
})

test('a program that is not there is an error that says so', async (t) => {
  const missing = { ...program(folderFor(t), ''), command: '/nowhere/server' }
  await assert.rejects(runToEnd(missing), /code 127.*not found|No such file/s)
})
