/** What a block has come to, by what its branches have. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Children, joined, type Went } from '../../src/transaction/join.ts'
import type { Join } from '../../src/workflow/plan.ts'

const failed = (code: string, seq: number): Went => ({ code, message: code, seq })

function branches(...all: Went[]): Children {
  const errors = all.filter((each) => typeof each === 'object')
  const ok = all.filter((each) => each === 'settled').length
  return {
    count: all.length,
    atOnce: all.length,
    isFresh: false,
    tally: () => ({ ok, failed: errors.length, open: all.length - ok - errors.length }),
    open: () => [],
    next: () => all.length,
    errors: () => errors,
    ends: () => [],
    walk: (at) => all[at] as Went,
    stop: () => false,
  }
}

const decided: readonly [string, Join, Went[], string][] = [
  ['the first to fail, not the first in the file', 'all', [failed('aborted', 3), failed('declined', 2)], 'declined'],
  ['the last to fail, when one had to end well', 1, [failed('second', 5), failed('first', 4)], 'second'],
  [
    'the one too many',
    3,
    [failed('aborted', 9), failed('third', 6), 'settled', failed('first', 4), failed('second', 5)],
    'third',
  ],
  ['nobody: there were never enough', 3, ['settled', 'settled'], 'too_few_items'],
]
for (const [what, rule, all, code] of decided) {
  test(`a block that fails has the code of ${what}`, () => {
    const came = joined(branches(...all), rule, 'cancel')
    assert.equal(typeof came === 'object' && came.code, code)
  })
}
