/**
 * A restart anywhere changes nothing: a transaction made again of its rows goes on with the same rows and the same
 * acts as one that was never interrupted.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Effect } from '../../src/transaction/effect.ts'
import type { TransactionEvent } from '../../src/transaction/event.ts'
import { restore } from '../../src/transaction/restore.ts'
import { isFinal, type Transaction } from '../../src/transaction/transaction.ts'
import { transition } from '../../src/transaction/transition.ts'
import { LedgerRows } from './ledger-rows.ts'
import { heldBy } from './oracle.ts'
import { admitted, baseUs, due, ended, planOf, reserved, resolved, started } from './scene.ts'

const plan = planOf(
  `
  - { id: a, uses: f, with: { n: '\${{ event.data.n }}' }, retry: { attempts: 3, initial: 100ms, max: 300ms } }
  - { id: b, uses: f, when: steps.a.output != 1, optional: true, retry: { attempts: 2, initial: 1s } }
  - { id: c, uses: f, with: '\${{ steps.b.output }}', optional: true }
  - { id: d, uses: f, with: '\${{ steps.c.output.missing }}', optional: true }
  - { id: e, uses: f, with: { a: '\${{ steps.a.output }}', c: '\${{ steps.c.output }}' } }`,
  'timeout: 20s',
)

const happening = fc.record({
  outcome: fc.constantFrom('ok', 'ok', 'ok', 'retry', 'fail', 'timeout', 'crash', 'lost'),
  output: fc.constantFrom('1', '2', '{"missing":3}', '12345678901234567890', 'null'),
  retryAfterMs: fc.constantFrom(null, 0, 50, 4000.25),
  tookMs: fc.integer({ min: 0, max: 3000 }),
  unknown: fc.boolean(),
})

test('restored after any event, it goes on as if nothing had been', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 25 }), fc.nat(25), fc.boolean(), (happenings, restartAt, once) => {
      const whole = run(happenings, null, once)
      const broken = run(happenings, restartAt, once)
      assert.deepEqual(broken.rows, whole.rows)
      assert.deepEqual(broken.asked, whole.asked)
      assert.equal(broken.state, whole.state)
    }),
    { numRuns: 500, includeErrorInReport: true },
  )
})

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

/**
 * Whatever is awaited happens next; at `restartAt` events the transaction is made again of its rows. `once`: of functions
 * that are not idempotent.
 */
function run(happenings: readonly Happening[], restartAt: number | null, once: boolean) {
  const first = admitted(plan, { n: 1 })
  const rows: unknown[] = []
  const kept = new LedgerRows()
  const asked: string[] = []
  let nowMs = 0
  let transaction = first
  let awaited: Effect | undefined
  const take = (event: TransactionEvent) => {
    const result = transition(transaction, event)
    assert.ok('transaction' in result, 'refused' in result ? result.refused : '')
    transaction = result.transaction
    kept.add(result.effects)
    for (const effect of result.effects) {
      if (effect.type === 'RecordAttempt' || effect.type === 'RecordEnding') rows.push(effect.row)
      else if (effect.type === 'Invoke' || effect.type === 'ArmTimer') awaited = effect
    }
  }
  take(started())
  for (const [at, what] of happenings.entries()) {
    if (isFinal(transaction)) break
    if (at === restartAt) {
      transaction = again(first, kept)
      if (transaction.state !== 'in_doubt') take(started(nowMs))
      // What followed a lost attempt at once is due already.
      const timer = awaited?.type === 'ArmTimer' ? awaited : null
      if (timer && (timer.dueUs - baseUs) / 1000 <= nowMs) take(due(timer.step, nowMs))
    }
    if (transaction.state === 'in_doubt') {
      const { id } = plan.steps[heldBy(transaction, ({ state }) => state === 'in_doubt')[0]!.step]!
      nowMs += what.tookMs
      take(resolved(id, what.unknown ? 'ok' : 'fail', what.output, nowMs))
      if (!isFinal(transaction)) take(started(nowMs))
      continue
    }
    asked.push(wordsOf(awaited))
    if (once && awaited?.type === 'Invoke') take(reserved(awaited.step.no, awaited.attempt, nowMs))
    nowMs = awaited?.type === 'ArmTimer' ? Math.max(nowMs, (awaited.dueUs - baseUs) / 1000) : nowMs + what.tookMs
    take(eventOf(awaited, what, nowMs))
  }
  return { rows, asked, state: transaction.state }
}

/** Of what the ledger keeps alone. */
function again({ id, position, key, envelope, admittedUs, parent }: Transaction, rows: LedgerRows): Transaction {
  return restore({ id, plan, position, key, envelope, admittedUs, parent }, rows.records())
}

/** What is awaited, with everything that a worker would be told of it. */
function wordsOf(effect: Effect | undefined): string {
  assert.ok(effect?.type === 'Invoke' || effect?.type === 'ArmTimer')
  if (effect.type === 'ArmTimer') return `timer ${effect.step} ${effect.dueUs}`
  const { step, attempt, input, idempotencySeed, notAfterUs, alone } = effect
  return JSON.stringify({ step: step.id, attempt, input, idempotencySeed, notAfterUs, alone })
}

function eventOf(effect: Effect | undefined, what: Happening, atMs: number): TransactionEvent {
  if (effect?.type === 'ArmTimer') return due(effect.step, atMs)
  assert.ok(effect?.type === 'Invoke')
  const outcome = what.outcome as 'ok'
  const effectUnknown = outcome !== 'ok' && what.unknown
  const failed = { errorCode: outcome, retryAfterMs: what.retryAfterMs, effectUnknown }
  const said = outcome === 'ok' ? { output: what.output } : failed
  return ended(effect.step.no, effect.attempt, { outcome, ...said }, atMs)
}
