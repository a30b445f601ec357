/** The documented state machine is the one that runs: docs/state-machine.md against the table and against what it does. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../src/base/package-root.ts'
import { outcomeCode } from '../src/ledger/codes.ts'
import { type EventType, eventTypes, type TransactionEvent } from '../src/transaction/event.ts'
import { progressOf } from '../src/transaction/steps.ts'
import { type StepState, type Transaction, transactionStates } from '../src/transaction/transaction.ts'
import { handlerName, transition } from '../src/transaction/transition.ts'
import { heldBy } from './transaction/oracle.ts'
import {
  admitted,
  cancelled,
  childEnded,
  due,
  ended,
  plain,
  planOf,
  reserved,
  resolved,
  retryAsked,
  signalled,
  started,
  undoAsked,
} from './transaction/scene.ts'

const text = readFileSync(join(packageRoot(), 'docs/state-machine.md'), 'utf8')
const chain = planOf(
  `
  - { id: a, uses: f, when: event.data.a, optional: true, compensate: g }
  - { id: b, uses: f, when: event.data.b }`,
  'timeout: 10s',
)
const waiting = planOf(
  `
  - { id: a, uses: f, compensate: g }
  - { id: b, wait: { topic: s, key: "'k'", timeout: 1s } }`,
  'signals: { s: {} }',
)
const calling = planOf(`
  - { id: a, call: other, optional: true }
  - { id: b, sleep: 1s }`)
const both = planOf(`
  - id: all
    parallel:
      one: [{ id: a, uses: f }]
      two: [{ id: b, sleep: 1s, when: event.data.b }]
      three: [{ id: c, call: other, when: event.data.a }]`)
const hearing = planOf(
  `
  - id: all
    parallel:
      one: [{ id: a, uses: f }]
      two: [{ id: b, wait: { topic: s, key: "'k'" } }]`,
  'signals: { s: {} }',
)

/** Every way that transactions of these plans can go within a few events: what is done to them, state by state. */
const seen = { transactions: new Set<string>(), steps: new Set<string>() }
const explored = new Map<string, number>()
for (const a of [true, false, 'no bool']) {
  for (const b of [true, false, 'no bool']) explore(admitted(chain, { a, b }), 7)
}
explore(admitted(waiting), 8)
explore(admitted(calling), 7)
explore(admitted(hearing), 5)
for (const a of [true, false]) for (const b of [true, false]) explore(admitted(both, { a, b }), 6)

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
    asleep: true,
    called: true,
    in_doubt: true,
    ok: true,
    skipped: true,
    failed: true,
  }
  assert.deepEqual(firstColumn('| state | means |'), [...transactionStates])
  assert.deepEqual(firstColumn('## Events'), [...eventTypes])
  assert.deepEqual(firstColumn('A compensation is a step of its own'), Object.keys(states))
  assert.deepEqual(firstColumn('## Outcomes of attempts'), Object.keys(outcomeCode))
})

function explore(transaction: Transaction, depth: number): void {
  const name = JSON.stringify(plain(transaction)) + transaction.plan.version
  if (depth === 0 || (explored.get(name) ?? 0) >= depth) return
  explored.set(name, depth)
  for (const event of eventsFor(transaction)) {
    const result = transition(transaction, event)
    if ('refused' in result) continue
    const after = result.transaction
    seen.transactions.add(`${transaction.state} ${event.type} ${after.state}`)
    // What a person opens again begins anew.
    if (event.type !== 'RetryAsked' && event.type !== 'UndoAsked') tellSteps(transaction, event, after)
    explore(after, depth - 1)
    // As its lane is opened again by another coordinator, or as it wakes.
    if (event.type === 'AttemptReserved' || after.state === 'waiting') explore({ ...after, state: 'queued' }, depth - 1)
    if (after.state === 'running' && heldBy(after, ({ state }) => state === 'in_doubt').length > 0) {
      explore({ ...after, state: 'in_doubt' }, depth - 1)
    }
  }
}

function tellSteps(transaction: Transaction, event: TransactionEvent, after: Transaction): void {
  for (const { no } of after.plan.steps) {
    const { state } = progressOf(after, no)
    const before = progressOf(transaction, no)
    const isAsked = event.type === 'AttemptEnded' && event.step === no
    if (state !== before.state || (isAsked && state === 'running')) seen.steps.add(`${before.state} ${state}`)
  }
}

function eventsFor(transaction: Transaction): TransactionEvent[] {
  const own = transaction.plan.steps.flatMap(({ no, kind }) => {
    const { attempts, inside } = progressOf(transaction, no)
    if (kind === 'invoke' || kind === 'undo') return attemptsFor(no, attempts + 1)
    if (inside?.kind === 'child') return endsFor(no, inside.id)
    return [due(no, 100), due(no, 60_000), signalled(no, '{}')]
  })
  const words = ['a', 'b'].flatMap((id) => [resolved(id, 'ok'), resolved(id, 'fail')])
  return [started(), started(60_000), ...own, ...words, cancelled(), undoAsked(), retryAsked()]
}

function attemptsFor(step: number, attempt: number): TransactionEvent[] {
  const ends = (['ok', 'retry', 'fail', 'lost'] as const).map((outcome) =>
    ended(step, attempt, { outcome, effectUnknown: outcome === 'lost' }),
  )
  return [reserved(step, attempt), ...ends, due(step, 100)]
}

function endsFor(step: number, id: string): TransactionEvent[] {
  return (['completed', 'failed', 'compensated', 'cancelled'] as const).map((state) =>
    childEnded(step, id, { state, error: null, output: null, isOwing: false }),
  )
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
