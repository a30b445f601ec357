import assert from 'node:assert/strict'
import { test } from 'node:test'
import { table } from '../../src/cli/table.ts'
import { msBetween, span } from '../../src/cli/times.ts'

const columns = [
  { title: 'A', text: (row: string[]) => row[0] ?? '' },
  { title: 'LONG', text: (row: string[]) => row[1] ?? '' },
]

test('columns are aligned, the last gives way to the terminal, and nothing steers it', () => {
  const rows = [
    ['1', 'a text that is too long\u001b[31m'],
    ['1000', 'x'],
  ]
  assert.deepEqual(table(columns, rows, 20), ['A     LONG', '1     a text that i…', '1000  x'])
  assert.deepEqual(table(columns, rows, null)[1], '1     a text that is too long [31m')
})

test('times are told to the microsecond and in the unit that fits', () => {
  assert.equal(msBetween('2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:01.000000Z'), 999.999)
  assert.deepEqual([0.412, 3.25, 1250, 185_000, -20.9].map(span), [
    '412 µs',
    '3.3 ms',
    '1.25 s',
    '3 m 05 s',
    '-20.9 ms',
  ])
})
