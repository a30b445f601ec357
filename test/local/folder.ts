/** A folder for one test, gone afterwards with the data that lies elsewhere for its sake. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { eraseServers } from '../../src/local/servers.ts'

export function folderFor(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-local-'))
  chmodSync(dir, 0o755) // so that another account can go there, when root runs the tests
  t.after(() => {
    eraseServers(dir)
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}
