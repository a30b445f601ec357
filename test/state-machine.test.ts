/** The documented state machine is the one that runs: docs/state-machine.md against the table and against what it does. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../src/base/package-root.ts'
import { outcomeCode } from '../src/ledger/codes.ts'
import { type EventType, eventTypes, type TransactionEvent } from '../src/transaction/event.ts'
import { type StepState, type Transaction, transactionStates } from '../src/transaction/transaction.ts'
import { handlerName, transition } from '../src/transaction/transition.ts'
import { admitted, due, ended, planOf, reserved, resolved, started } from './transaction/scene.ts'

const text = readFileSync(join(packageRoot(), 'docs/state-machine.md'), 'utf8')
const plan = planOf(
  `
  - { id: a, uses: f, when: event.data.a, optional: true }
  - { id: b, uses: f, when: event.data.b }`,
  'timeout: 10s',
)

/** Every way that a transaction of the plan can go within a few events: what is done to it, state by state. */
const seen = { transactions: new Set<string>(), steps: new Set<string>() }
for (const a of [true, false, 'no bool']) {
  for (const b of [true, false, 'no bool']) explore(admitted(plan, { a, b }), 7)
}

test('the table names the handler of every state and event', () => {
  const [head, ...rows] = tableOf('Which handler takes which event')
  assert.deepEqual(head, ['state', ...eventTypes])
  assert.deepEqual(
    rows,
    transactionStates.map((state) => [state, ...eventTypes.map((type) => handlerName(state, type))]),
  )
})

test('the diagram of transactions has every change that happens, and no other', () => {
  const edges = edgesOf('## Transactions').map(({ from, to, label }) => `${from} ${label} ${to}`)
  assert.deepEqual(edges.toSorted(), [...seen.transactions].toSorted())
})

test('the diagram of steps has every change that happens, and no other', () => {
  const edges = edgesOf('## Steps').map(({ from, to }) => `${from} ${to}`)
  assert.deepEqual(edges.toSorted(), [...seen.steps].toSorted())
})

test('events, states of steps and outcomes are all explained', () => {
  const states: Record<StepState, true> = {
    pending: true,
    running: true,
    waiting: true,
    in_doubt: true,
    ok: true,
    skipped: true,
    failed: true,
  }
  assert.deepEqual(firstColumn('## Events'), [...eventTypes])
  assert.deepEqual(firstColumn('| state | means |'), Object.keys(states))
  assert.deepEqual(firstColumn('## Outcomes of attempts'), Object.keys(outcomeCode))
})

function explore(transaction: Transaction, depth: number): void {
  if (depth === 0) return
  for (const event of eventsFor(transaction)) {
    const result = transition(transaction, event)
    if ('refused' in result) continue
    const after = result.transaction
    seen.transactions.add(`${transaction.state} ${event.type} ${after.state}`)
    for (const [no, { state }] of after.steps.entries()) {
      const before = transaction.steps[no]!
      const isAsked = event.type !== 'Started' && event.type !== 'AttemptReserved' && event.step === no
      if (state !== before.state || (isAsked && state === 'running')) seen.steps.add(`${before.state} ${state}`)
    }
    explore(after, depth - 1)
    // As its lane is opened again by another coordinator.
    if (event.type === 'AttemptReserved') explore({ ...after, state: 'queued' }, depth - 1)
  }
}

function eventsFor(transaction: Transaction): TransactionEvent[] {
  const outcomes = ['ok', 'retry', 'fail', 'lost'] as const
  const attemptOf = (step: number) => (transaction.steps[step]?.attempts ?? 0) + 1
  const ends = [0, 1].flatMap((step) =>
    outcomes.map((outcome) => ended(step, attemptOf(step), { outcome, effectUnknown: outcome === 'lost' })),
  )
  const kept = [0, 1].map((step) => reserved(step, attemptOf(step)))
  const words = ['a', 'b'].flatMap((id) => [resolved(id, 'ok'), resolved(id, 'fail')])
  return [started(), started(60_000), ...kept, ...ends, due(0, 100), due(1, 100), ...words]
}

function edgesOf(heading: string): { from: string; to: string; label: string }[] {
  const diagram = /```mermaid\n([\s\S]*?)```/.exec(after(heading))?.[1] ?? ''
  return [...diagram.matchAll(/^ *(\w+) --> (\w+)(?:: (.*))?$/gm)].map(([, from = '', to = '', label = '']) => {
    return { from, to, label: label as EventType }
  })
}

function tableOf(heading: string): string[][] {
  const table = /(?:^\|.*\n)+/m.exec(after(heading))?.[0] ?? ''
  const lines = table
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('|---'))
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}

function firstColumn(heading: string): string[] {
  return tableOf(heading)
    .slice(1)
    .map(([cell = '']) => cell)
}

function after(heading: string): string {
  const at = text.indexOf(heading)
  assert.ok(at >= 0, heading)
  return text.slice(at)
}
