/** How much a process is given, by what it has shown. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultLimits } from '../../src/worker/limits.ts'
import { Window } from '../../src/worker/pool/window.ts'
import type { InvocationResult } from '../../src/worker/port.ts'

/** One turn of a process whose answer took so long in all, of which the function so long. */
function turn(window: Window, wholeUs: number, ownUs: number): void {
  const stamps = { dispatchedUs: 0, startedUs: 0, finishedUs: ownUs, receivedUs: wholeUs }
  window.answered(stamps as InvocationResult)
  window.turn()
}

function quickOne(): Window {
  const window = new Window(null, defaultLimits)
  for (let count = 0; count < 100; count++) turn(window, 800, 20)
  return window
}

describe('a process that is to be given all there is', () => {
  it('has shown for some time that it answers at once', () => {
    const window = new Window(null, defaultLimits)
    turn(window, 800, 20)
    assert.equal(window.isQuick(0, 0), false)
    assert.equal(quickOne().isQuick(0, 0), true)
  })

  it('has not much to do already', () => {
    assert.equal(quickOne().isQuick(63, 0), true)
    assert.equal(quickOne().isQuick(64, 0), false)
  })

  it('owes no answer for longer than it should', () => {
    const window = quickOne()
    window.sent(1000)
    window.sent(1004)
    assert.equal(window.isQuick(1, 1004), true)
    assert.equal(window.isQuick(1, 1006), false)
    turn(window, 800, 20)
    assert.equal(window.isQuick(0, 1006), true)
  })

  for (const [what, wholeUs, ownUs] of [
    ['a function that computes or waits', 1200, 1000],
    ['an answer that was long on its way', 9000, 20],
  ] as const) {
    it(`is none for a while after ${what}`, () => {
      const window = quickOne()
      turn(window, wholeUs, ownUs)
      turn(window, 800, 20)
      assert.equal(window.isQuick(0, 0), false)
      for (let count = 0; count < 100; count++) turn(window, 800, 20)
      assert.equal(window.isQuick(0, 0), true)
    })
  }
})
