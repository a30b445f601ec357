/** Planted bugs keep their places as the code moves on; whether they are caught, `npm run planted` says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../../src/base/package-root.ts'
import { bugs } from './bugs.ts'

test('what each planted bug takes away stands once in its file', () => {
  const times = ({ file, find }: (typeof bugs)[number]) =>
    readFileSync(join(packageRoot(), file), 'utf8').split(find).length - 1
  assert.deepEqual(
    bugs.filter((bug) => times(bug) !== 1).map((bug) => `${bug.name}: ${times(bug)} times in ${bug.file}`),
    [],
  )
  assert.equal(new Set(bugs.map((bug) => bug.name)).size, bugs.length)
  assert.ok(bugs.length >= 20)
})
