// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of workflow files
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '../../src/envelope/json.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import type { Plan, Scope, Step, StepKind } from '../../src/workflow/plan.ts'

function planOf(steps: string, top = ''): Plan {
  return planFromSource(`name: film\non: { kafka: films }\n${top}\nsteps:\n${steps}`, 'test')
}

const film = planOf(
  `
  - id: check
    parallel:
      user: { steps: [{ id: user, uses: check/user, compensate: undo/user }] }
      site: [{ id: site, uses: check/site }, { id: rights, uses: check/rights }]
    join: any
    others: finish
  - id: bill_all
    forEach: event.data.parties
    as: party
    atOnce: 3
    join: each
    optional: true
    steps:
      - id: bill
        uses: bill/one
        with: { party: "\${{ party.id }}", place: "\${{ party_index }}", region: "\${{ steps.rights.output }}" }
        retry: { budget: 5m, on: [busy], never: [gone], attempts: 2 }
        compensate:
          uses: bill/undo
          with: { charge: "\${{ output.id }}", party: "\${{ party.id }}" }
          retry: { attempts: 20 }
          timeout: 1m
          postings: own
          net: { "viewer:1": "\${{ party.cents }}" }
      - id: lines
        forEach: party.lines
        steps:
          - { id: line, uses: bill/line, with: { a: "\${{ item }}", of: "\${{ party.id }}", bill: "\${{ steps.bill.output }}" } }
  - id: route
    switch:
      - when: event.data.kind == "a"
        steps: [{ id: nap, sleep: 90m }]
      - steps: [{ id: until, sleep: { until: event.time + duration("1h") } }]
  - id: teardown
    wait: { topic: films.teardown, key: event.data.session, match: signal.data.n > 1, timeout: 2h, onTimeout: continue }
  - { id: again, wait: { topic: films.other, key: event.key } }
  - { id: sub, call: settle, with: { watched: "\${{ steps.teardown.output }}", first: "\${{ steps.nap.output }}" } }
`,
  `order: strict
startWithin: 5m
signals:
  films.teardown: { key: event.data.session, keep: 2d, take: first }`,
)

function stepOf<Kind extends StepKind>(kind: Kind, id: string): Extract<Step, { kind: Kind }> {
  const found = film.steps.find((step) => step.kind === kind && step.id === id)
  assert.ok(found, `${kind} ${id}`)
  return found as Extract<Step, { kind: Kind }>
}

test('steps are numbered depth first, what undoes a step right behind it', () => {
  assert.deepEqual(
    film.steps.map(({ no, id, kind, within }) => [no, id, kind, within]),
    [
      [0, 'check', 'parallel', []],
      [1, 'user', 'invoke', []],
      [2, 'user', 'undo', []],
      [3, 'site', 'invoke', []],
      [4, 'rights', 'invoke', []],
      [5, 'bill_all', 'forEach', []],
      [6, 'bill', 'invoke', [5]],
      [7, 'bill', 'undo', [5]],
      [8, 'lines', 'forEach', [5]],
      [9, 'line', 'invoke', [5, 8]],
      [10, 'route', 'switch', []],
      [11, 'nap', 'sleep', []],
      [12, 'until', 'sleep', []],
      [13, 'teardown', 'wait', []],
      [14, 'again', 'wait', []],
      [15, 'sub', 'call', []],
    ],
  )
  assert.deepEqual(
    film.body.map(({ no }) => no),
    [0, 5, 10, 13, 14, 15],
  )
  assert.ok(film.body.every((step) => film.steps[step.no] === step))
  assert.deepEqual([stepOf('forEach', 'bill_all').size, stepOf('forEach', 'lines').size], [4, 1])
})

test('a block holds the steps that stand by their numbers in the whole', () => {
  const { branches, join, others } = stepOf('parallel', 'check')
  assert.deepEqual(
    branches.map(({ id, steps }) => [id, steps.map((step) => step.no)]),
    [
      ['user', [1]],
      ['site', [3, 4]],
    ],
  )
  assert.deepEqual([join, others], [1, 'finish'])
  const each = stepOf('forEach', 'bill_all')
  assert.deepEqual([each.as, each.atOnce, each.join, each.others, each.optional], ['party', 3, 'each', 'cancel', true])
  const lines = stepOf('forEach', 'lines')
  assert.deepEqual([lines.as, lines.atOnce, lines.join, lines.others], ['item', 10, 'all', 'cancel'])
  assert.deepEqual(
    stepOf('switch', 'route').cases.map(({ when, steps }) => [when?.source ?? null, steps.map((step) => step.id)]),
    [
      ['event.data.kind == "a"', ['nap']],
      [null, ['until']],
    ],
  )
})

test('sleeps, waits, calls and signals hold what the file says, or the defaults', () => {
  assert.deepEqual(stepOf('sleep', 'nap').until, { forMs: 5_400_000 })
  const wait = stepOf('wait', 'teardown')
  assert.deepEqual([wait.topic, wait.timeoutMs, wait.onTimeout], ['films.teardown', 7_200_000, 'continue'])
  assert.equal(wait.match?.source, 'signal.data.n > 1')
  const again = stepOf('wait', 'again')
  assert.deepEqual([again.timeoutMs, again.onTimeout, again.match], [null, 'fail', null])
  assert.equal(stepOf('call', 'sub').workflow, 'settle')
  assert.deepEqual([film.order, film.startWithinMs, film.isChain], ['strict', 300_000, false])
  assert.deepEqual(
    film.signals.map(({ topic, key, keepMs, take }) => [topic, key?.source ?? null, keepMs, take]),
    [
      ['films.teardown', 'event.data.session', 172_800_000, 'first'],
      ['films.other', null, 3_600_000, 'all'],
    ],
  )
})

const event = { id: 'e', type: null, source: null, time: '2026-01-01T00:00:00Z', key: null, meta: {}, auth: null }
const scope = (names: Record<string, Json>): Scope => ({
  event: { ...event, data: {} },
  steps: { rights: { output: 'eu' }, bill: { output: { id: 'b' } } },
  names,
})

test('inside of a forEach the item is seen by its name, and what undoes a step sees what that gave', () => {
  const bill = stepOf('invoke', 'bill')
  const names = { party: { id: 'studio', cents: 7 }, party_index: 2 }
  assert.deepEqual(bill.with.render(scope(names)), { party: 'studio', place: 2, region: 'eu' })
  const undo = stepOf('undo', 'bill')
  assert.equal(bill.compensate, undo)
  const seen = scope({ ...names, output: { id: 'c' } })
  assert.deepEqual(undo.with.render(seen), { charge: 'c', party: 'studio' })
  assert.deepEqual(undo.net?.render(seen), { 'viewer:1': 7 })
  assert.deepEqual([undo.of, undo.postings, undo.timeoutMs, undo.retry.attempts], [6, 'own', 60_000, 20])
  assert.deepEqual([bill.retry.budgetMs, bill.retry.on, bill.retry.never], [300_000, ['busy'], ['gone']])
  const line = stepOf('invoke', 'line').with.render(scope({ ...names, item: 1, item_index: 0 }))
  assert.deepEqual(line, { a: 1, of: 'studio', bill: { id: 'b' } })
})

test('a compensation that is a mere name is given the output, and has the defaults', () => {
  const undo = stepOf('undo', 'user')
  assert.deepEqual(undo.with.render(scope({ output: null })), { output: null })
  assert.deepEqual([undo.uses, undo.postings, undo.net, undo.timeoutMs], ['undo/user', 'reverse', null, 30_000])
  assert.deepEqual([undo.when, undo.optional, undo.publish], [null, false, []])
})

test('a chain is one of functions alone, at the top', () => {
  assert.ok(planOf('  - { id: one, uses: a, compensate: b }\n  - { id: two, uses: a }').isChain)
  assert.ok(!planOf('  - { id: one, uses: a }\n  - { id: two, sleep: 1s }').isChain)
  assert.ok(!planOf('  - { id: one, switch: [{ steps: [{ id: two, uses: a }] }] }').isChain)
})

test('a workflow that is only called has no topic', () => {
  const plan = planFromSource('name: sub\nsteps: [{ id: one, uses: a }]', 'test')
  assert.equal(plan.on.kafka, null)
})

test('eight blocks around a step are let in, and a nested branch is a list or a map', () => {
  const nested = (depth: number): string =>
    depth === 0
      ? '{ id: last, uses: a }'
      : `{ id: s${depth}, parallel: { ${depth % 2 ? `a: [${nested(depth - 1)}]` : `a: { steps: [${nested(depth - 1)}] }`} } }`
  const plan = planOf(`  - ${nested(8)}`)
  assert.deepEqual([plan.steps.length, plan.steps.at(-1)?.id], [9, 'last'])
})

test('the time to read a file grows with the file, not with its square', () => {
  const timeOf = (count: number) => {
    const steps = Array.from(
      { length: count },
      (_, i) => `  - { id: s${i}, uses: a, with: { x: "\${{ steps.s${Math.max(i - 1, 0)}.output.y }}" } }`,
    )
    steps[0] = '  - { id: s0, uses: a }'
    const startedMs = performance.now()
    planOf(steps.join('\n'))
    return performance.now() - startedMs
  }
  timeOf(100)
  const [small, large] = [Math.min(timeOf(50), timeOf(50), timeOf(50)), Math.min(timeOf(500), timeOf(500))]
  assert.ok(large < 40 * small, `500 steps took ${large} ms, 50 took ${small} ms`)
})
