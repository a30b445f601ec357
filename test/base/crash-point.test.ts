/** Crash points: each name is one place in the product, and `MILLRACE_CRASH_AT` dies there and nowhere else. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { checkCrashAt, crashAtForWorkers, crashPoints } from '../../src/base/crash-point.ts'
import { packageRoot } from '../../src/base/package-root.ts'

test('each name is one place in src/, and no place goes by another name', () => {
  const places = sources().flatMap((text) => [...text.matchAll(/\bcrashPoint\('([^']+)'\)/g)].map((match) => match[1]))
  assert.deepEqual(places.sort(), [...crashPoints].sort())
})

test('it is killed at the pass that was asked for, and not by other names', () => {
  const passes = ['commit.returned', 'commit.before-send', 'commit.returned', 'commit.returned']
  assert.deepEqual(run('commit.returned:2', passes), { signal: 'SIGKILL', passed: 2 })
  assert.deepEqual(run('commit.before-send', passes), { signal: 'SIGKILL', passed: 1 })
  assert.deepEqual(run('commit.returned:4', passes), { signal: null, passed: 4 })
  assert.deepEqual(run('', passes), { signal: null, passed: 4 })
})

test('a name that is none is an error that lists the names', () => {
  for (const asked of ['commit', 'commit.returned:0', 'commit.returned:x', ':1', 'commit.returned:1:1']) {
    assert.throws(() => checkCrashAt(asked), { code: 'crash_point_unknown', message: /commit\.returned.*stop\.left/ })
  }
  for (const asked of [undefined, '', ...crashPoints, 'commit.returned:12']) checkCrashAt(asked)
})

test('worker processes hear only of places of their own', () => {
  assert.deepEqual(crashAtForWorkers('worker.after-call:3'), { MILLRACE_CRASH_AT: 'worker.after-call:3' })
  assert.deepEqual(crashAtForWorkers('commit.returned'), {})
  assert.deepEqual(crashAtForWorkers(''), {})
})

function sources(): string[] {
  const src = join(packageRoot(), 'src')
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  return names.map((name) => readFileSync(join(src, name), 'utf8'))
}

/** A process that passes these places one after the other, and how many of them it got past. */
function run(crashAt: string, passes: readonly string[]): { signal: string | null; passed: number } {
  const file = pathToFileURL(join(packageRoot(), 'dist/src/base/crash-point.js')).href
  const program = `
    import { writeSync } from 'node:fs'
    import { crashPoint } from ${JSON.stringify(file)}
    process.on('exit', () => writeSync(2, 'an exit handler ran'))
    for (const name of ${JSON.stringify(passes)}) {
      crashPoint(name)
      writeSync(1, '.')
    }`
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    env: { MILLRACE_CRASH_AT: crashAt },
    encoding: 'utf8',
  })
  assert.equal(child.stderr.includes('an exit handler ran'), child.signal === null)
  return { signal: child.signal, passed: child.stdout.length }
}
