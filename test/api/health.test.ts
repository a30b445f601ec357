import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serveHealth } from '../../src/api/health.ts'

const host = '127.0.0.1'

test('alive and ready are two answers', async () => {
  const state = { ready: false, reasons: ['waiting for topic t'], failed: false }
  await using server = await serveHealth({ host, port: 0, health: () => state, failed: () => state.failed })
  const ask = async (path: string) => {
    const response = await fetch(`http://${host}:${server.port}${path}`)
    return [response.status, await response.json()]
  }
  assert.deepEqual(await ask('/healthz'), [200, { alive: true }])
  assert.deepEqual(await ask('/readyz'), [503, state])
  state.ready = true
  assert.equal((await ask('/readyz?verbose'))[0], 200)
  state.failed = true
  assert.deepEqual(await ask('/healthz'), [503, { alive: false }])
  assert.equal((await ask('/'))[0], 404)
  await server.stop()
  await server.stop()
})

test('a port in use is said', async () => {
  const options = { host, health: () => ({ ready: true, reasons: [] }), failed: () => false }
  await using server = await serveHealth({ ...options, port: 0 })
  const second = serveHealth({ ...options, port: server.port })
  await assert.rejects(second, { code: 'port_in_use', message: /MILLRACE_HTTP_PORT/ })
})
