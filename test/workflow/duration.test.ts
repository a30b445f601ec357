import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, guessDuration, parseDuration } from '../../src/workflow/duration.ts'
import { didYouMean, nearest } from '../../src/workflow/nearest.ts'
import { fc } from '../support/fuzz.ts'

test('durations read as they are written', () => {
  const durations: [string, number | null][] = [
    ['50ms', 50],
    ['2s', 2000],
    ['1m', 60_000],
    ['8h', 28_800_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['0s', 0],
    ...['', '5', 's', '1.5h', '-1s', '1 s', '1S', '30m1h', '1s1s', '1h 30m', '1e3s', '9999999999s'].map(
      (text): [string, null] => [text, null],
    ),
  ]
  for (const [text, ms] of durations) assert.equal(parseDuration(text), ms, text)
})

test('what is written reads back', () => {
  const property = fc.property(fc.nat({ max: 10 ** 12 }), (ms) => {
    assert.equal(parseDuration(formatDuration(ms)), ms)
  })
  fc.assert(property)
})

test('a duration in other words is guessed', () => {
  assert.equal(guessDuration('30 seconds'), '30s')
  assert.equal(guessDuration('5 min'), '5m')
  assert.equal(guessDuration('1.5h'), '1h30m')
  assert.equal(guessDuration(5), '5s or 5ms')
  assert.equal(guessDuration('soon'), null)
  assert.equal(guessDuration('5 constructor'), null)
})

test('the nearest name is one that a slip of the finger explains', () => {
  const known = ['retry', 'timeout', 'optional', 'when', 'with']
  assert.equal(nearest('retries', known), 'retry')
  assert.equal(nearest('timoeut', known), 'timeout')
  assert.equal(nearest('Timeout', known), 'timeout')
  assert.equal(nearest('banana', known), null)
  assert.equal(didYouMean('wiht', known, 'no'), 'did you mean "with"?')
  assert.equal(didYouMean('banana', known, 'no'), 'no')
})
