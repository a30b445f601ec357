/** Every parser of the table under inputs that are right, nearly right and broken. FUZZ_SEED and FUZZ_RUNS look elsewhere, and longer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzz, traces } from './parser.ts'
import { parsers } from './parsers.ts'

const growthBytesMax = 32 * 1024 * 1024

for (const parser of parsers) test(`${parser.name}: read or refused`, () => fuzz(parser))

test('nothing of it is left: a second round leaves the heap and the prototypes as the first one did', () => {
  const before = traces()
  for (const parser of parsers) fuzz(parser)
  const after = traces()
  assert.deepEqual(after.names, before.names)
  const grown = after.heapBytes - before.heapBytes
  assert.ok(grown < growthBytesMax, `${grown} bytes more`)
})
