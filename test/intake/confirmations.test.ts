/** Only a heartbeat that was sent after the question answers it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Confirmations } from '../../src/intake/confirmations.ts'
import { Errand } from '../../src/intake/errand.ts'

test('a heartbeat under way does not count, the next one does', async () => {
  const confirmations = new Confirmations()
  const accepted = confirmations.sending()
  const { held } = watch(confirmations.confirm())
  accepted()
  await turn()
  assert.deepEqual(held, [])
  confirmations.sending()()
  await turn()
  assert.deepEqual(held, [true])
})

test('an assignment refuses all who wait, and a heartbeat of before it changes nothing', async () => {
  const confirmations = new Confirmations()
  const before = watch(confirmations.confirm())
  const accepted = confirmations.sending()
  confirmations.fail()
  const after = watch(confirmations.confirm())
  accepted()
  await turn()
  assert.deepEqual([before.held, after.held], [[false], []])
})

test('an errand runs once more when it is asked for while it runs, and never twice at once', async () => {
  let running = 0
  const seen: number[] = []
  const errand = new Errand(async () => {
    seen.push(++running)
    await turn()
    running--
  })
  const first = errand.ask()
  await Promise.all([first, errand.ask(), errand.ask()])
  assert.deepEqual(seen, [1, 1])
  await errand.ask()
  assert.deepEqual(seen, [1, 1, 1])
})

function watch(promise: Promise<boolean>): { held: boolean[] } {
  const held: boolean[] = []
  void promise.then((each) => held.push(each))
  return { held }
}
