/** What a function posts comes with the result of an attempt that ended well, and only then. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bench } from './harness.ts'

const small = { limits: { postedMax: 3, postedBytesMax: 500 } }
const good = { debit: 'viewer:1', credit: 'clearing', amount: 199, currency: 'EUR' }

test('given movements of every kind, then they come as they were posted, amounts exact', async () => {
  await using on = await bench()
  const postings = [
    good,
    { ...good, amount: Number.MAX_SAFE_INTEGER, party: 'viewer-1', key: 'charge:1' },
    { debit: 'a "quoted" name', credit: 'ü'.repeat(200), amount: { digits: '9223372036854775807' }, currency: 'JPY' },
  ]
  const { outcome, output, posted } = await on.run('posts', { postings })
  assert.deepEqual([outcome, output], ['ok', '3'])
  assert.deepEqual(posted, [
    { ...good, amount: '199', party: null, key: null },
    { ...good, amount: '9007199254740991', party: 'viewer-1', key: 'charge:1' },
    { ...postings[2], amount: '9223372036854775807', party: null, key: null },
  ])
})

test('given an attempt that posts and emits, then both come', async () => {
  await using on = await bench()
  const { posted, emitted } = await on.run('posts', { postings: [good], next: 'emit' })
  assert.equal(posted?.length, 1)
  assert.equal(emitted?.length, 1)
})

test('given an attempt that posts nothing, or ends otherwise, then nothing of it comes', async () => {
  await using on = await bench()
  const nothing = await on.run('posts', { postings: [] })
  assert.deepEqual([nothing.outcome, 'posted' in nothing], ['ok', false])
  const again = await on.run('posts', { postings: [good], next: 'retry' })
  assert.deepEqual([again.outcome, 'posted' in again], ['retry', false])
})

test('given what cannot be a posting, then the attempt fails for good and says why', async () => {
  await using on = await bench()
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [null, /no posting: \{ debit, credit, amount, currency \}/],
    [{ ...good, debit: '' }, /debit is "": expected 1 to 200 characters/],
    [{ ...good, credit: undefined }, /credit is undefined/],
    [{ ...good, credit: 'a\nb' }, /credit is "a\\nb": .* none of them a control character/],
    [{ ...good, debit: 'x'.repeat(201) }, /debit is "x{60}…"/],
    [{ ...good, debit: '\ud800' }, /debit is/],
    [{ ...good, credit: 'viewer:1' }, /debit and credit are both "viewer:1"/],
    [{ ...good, amount: 0 }, /amount is 0: expected whole minor units \(cents\) above 0$/],
    [{ ...good, amount: -5 }, /amount is -5: .*; to move it the other way, change debit and credit/],
    [{ ...good, amount: 1.5 }, /amount is 1.5/],
    [{ ...good, amount: 1e21 }, /amount is 1e\+21/],
    [{ ...good, amount: '5' }, /amount is "5"/],
    [{ ...good, amount: { digits: '9223372036854775808' } }, /amount is 9223372036854775808/],
    [{ ...good, currency: 'eur' }, /currency is "eur": expected three capital letters, such as EUR/],
    [{ ...good, currency: 978 }, /currency is 978/],
    [{ ...good, party: 7 }, /party is 7/],
    [{ ...good, key: {} }, /key is an object/],
  ]
  for (const [posting, said] of wrong) {
    const result = await on.run('posts', { postings: [posting] })
    // What it had done by then nobody knows.
    const { outcome, errorCode, effectUnknown } = result
    assert.deepEqual([outcome, errorCode, effectUnknown], ['fail', 'posting_invalid', true], String(said))
    assert.match(result.errorMessage ?? '', said)
  }
  const caught = await on.run('posts', { postings: [good, {}, good], caught: true })
  assert.equal(caught.posted?.length, 2)
})

test('given too many, or too long ones, then the attempt fails for good and says the limit', async () => {
  await using on = await bench(small)
  const four = await on.run('posts', { postings: [good, good, good, good] })
  assert.deepEqual([four.outcome, four.errorCode], ['fail', 'too_many_postings'])
  assert.match(four.errorMessage ?? '', /more than 3 postings/)
  const long = { ...good, party: 'ü'.repeat(200), key: 'x'.repeat(200) }
  const result = await on.run('posts', { postings: [long] })
  assert.equal(result.errorCode, 'too_many_postings')
  assert.match(result.errorMessage ?? '', /622 bytes of postings, 500 are allowed/)
})

test('given what is posted after the end, then it is lost with an error, and the process lives', async () => {
  await using on = await bench()
  assert.equal('posted' in (await on.run('posts', { postings: [], next: 'stray' })), false)
  await sleep(150)
  assert.equal((await on.run('posts', { postings: [good] })).outcome, 'ok')
})
