/** A pool that has stopped keeps its process from nothing. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cacheDir, fixtures } from './harness.ts'

it('lets its process end, however far off a deadline was', { timeout: 20_000 }, async (t) => {
  const program = fileURLToPath(new URL('./fixtures/stops.js', import.meta.url))
  const child = spawn(process.execPath, [program, join(fixtures, 'functions'), cacheDir], { stdio: 'inherit' })
  t.after(() => child.kill('SIGKILL'))
  const [code] = await once(child, 'exit', { signal: AbortSignal.timeout(10_000) })
  assert.equal(code, 0)
})
