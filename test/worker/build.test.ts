/** Compiled functions: what imports and positions mean in them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { EngineError } from '../../src/base/error.ts'
import { createBuilder } from '../../src/worker/build.ts'
import { bench, cacheDir, fixtures } from './harness.ts'

const functionsDir = join(fixtures, 'functions')

describe('a compiled function', () => {
  it("knows where its author's files are, and finds what it imports from there", async () => {
    await using at = await bench()
    const { output } = await at.run('nested/place', null)
    assert.deepEqual(JSON.parse(output!), {
      url: pathToFileURL(join(functionsDir, 'nested/place.ts')).href,
      here: pathToFileURL(join(functionsDir, 'lib/here.ts')).href,
      prices: { apple: 120 },
      imported: { apple: 120 },
      zod: true,
    })
  })

  it('is named by its content, and names the files it was made of', async () => {
    const { build } = createBuilder({ functionsDir, cacheDir })
    const [first, second] = await Promise.all([build('nested/place'), build('nested/place')])
    assert.deepEqual(first, second)
    assert.ok(first.path.startsWith(join(cacheDir, 'nested+place-')))
    const own = first.inputs.filter((path) => path.startsWith(functionsDir))
    const files = ['lib/here.ts', 'lib/prices.json', 'nested/place.ts']
    assert.deepEqual(
      own.sort(),
      files.map((file) => join(functionsDir, file)),
    )
  })

  it('is made by another process when the one that makes them was killed', async () => {
    const { build } = createBuilder({ functionsDir, cacheDir })
    await build('echo')
    const compilers = childrenNamed('esbuild')
    assert.ok(compilers.length > 0)
    for (const pid of compilers) process.kill(pid, 'SIGKILL')
    const built = await Promise.all([build('echo'), build('nested/place'), build('typed')])
    assert.equal(built.length, 3)
  })

  it('does not load zod when it uses none of it', async () => {
    const { build } = createBuilder({ functionsDir, cacheDir })
    const [plain, typed] = await Promise.all([build('echo'), build('typed')])
    assert.doesNotMatch(await readFile(plain.path, 'utf8'), /millrace-zod/)
    assert.match(await readFile(typed.path, 'utf8'), /millrace-zod/)
  })
})

describe('a function that does not compile', () => {
  const failure = (dir: string, name: string) =>
    createBuilder({ functionsDir: dir, cacheDir })
      .build(name)
      .then(
        () => assert.fail('it compiled'),
        (error: EngineError) => error,
      )

  it('says where: file, line and column', async () => {
    const error = await failure(join(fixtures, 'bad'), 'syntax')
    assert.equal(error.code, 'function_does_not_compile')
    assert.match(error.message, /fixtures\/bad\/syntax\.js:6:3: Unexpected "}"/)
  })

  it('or which import leads nowhere', async () => {
    const error = await failure(join(fixtures, 'bad'), 'unresolved')
    assert.match(error.message, /unresolved\.js:1:\d+: Could not resolve "no-such-package"/)
  })

  it('or that it is not there, and what is', async () => {
    const error = await failure(functionsDir, 'nested/plaice')
    assert.equal(error.code, 'function_missing')
    assert.deepEqual(error.details.nearest, ['nested/place'])
    assert.equal((await failure(functionsDir, '../harness')).code, 'function_missing')
  })
})

function childrenNamed(name: string): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  const own = lines.map((line) => line.trim().split(/\s+/)).filter(([, parent]) => Number(parent) === process.pid)
  return own.filter((words) => words.slice(2).some((word) => word.includes(name))).map(([pid]) => Number(pid))
}
