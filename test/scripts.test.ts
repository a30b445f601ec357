/** Every script of this project says how it is used, when asked and when it was asked for what it does not know. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../src/base/package-root.ts'

const scripts = {
  'npm test': 'scripts/test.js',
  'npm run test:containers': 'scripts/test-containers.js',
  'npm run demo': 'demo/main.js',
  'npm run bench': 'bench/main.js',
  'npm run faults': 'test/faults/main.js',
  'npm run language': 'test/language/main.js',
  'npm run simulate': 'test/simulation/main.js',
  'npm run planted': 'test/planted/main.js',
}

function run(file: string, word: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(packageRoot(), 'dist', file), word], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status, stdout, stderr }
}

for (const [name, file] of Object.entries(scripts)) {
  test(`${name} -- --help: how it is used`, () => {
    const { status, stdout, stderr } = run(file, '--help')
    assert.deepEqual([status, stderr], [0, ''])
    assert.ok(stdout.startsWith(`${name} -- [`), stdout)
    for (const line of stdout.split('\n')) assert.ok(line.length <= 130, line)
  })

  test(`${name} with an option that it does not have: that, and how it is used`, () => {
    const { status, stdout, stderr } = run(file, '--no-such-thing')
    assert.equal(status, 2, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, /^(error: )?Unknown option '--no-such-thing'/)
    assert.match(stderr, /--help/)
    assert.doesNotMatch(stderr, /^\s+at |node:internal/m)
  })
}
