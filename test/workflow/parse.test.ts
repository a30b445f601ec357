import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EngineError } from '../../src/base/error.ts'
import { besideOf } from '../../src/workflow/beside.ts'
import { normalise, parseWorkflow, planFromSource } from '../../src/workflow/parse.ts'
import type { InvokeStep, Plan } from '../../src/workflow/plan.ts'
import { formatProblem } from '../../src/workflow/problem.ts'

const root = new URL('../../../test/workflow/fixtures/', import.meta.url)
const functions = new Set(['echo', 'stock/reserve'])
const read = (name: string) => readFileSync(new URL(name, root), 'utf8')
const parseBad = (file: string) =>
  parseWorkflow(read(`bad/${file}`), file, functions, besideOf(fileURLToPath(new URL(`bad/${file}`, root))))

test('every kind of mistake is told with its place, what was expected and the likely fix', () => {
  const expected = read('bad/expected.txt').trim().split('\n')
  const files = readdirSync(new URL('bad/', root)).filter((name) => name.endsWith('.yaml'))
  assert.ok(files.length >= 40, `${files.length} bad files`)
  for (const file of files.sort()) {
    const { plan, problems } = parseBad(file)
    const lines = expected.filter((line) => line.startsWith(`${file}:`))
    assert.equal(plan, null, `${file} has no plan`)
    assert.ok(lines.length > 0, `${file} is expected to say something`)
    assert.deepEqual(problems.map(formatProblem), lines, file)
  }
})

test('the reference tells of every code of a mistake', () => {
  const reference = readFileSync(new URL('../../../docs/workflow-reference.md', import.meta.url), 'utf8')
  const files = readdirSync(new URL('bad/', root)).filter((name) => name.endsWith('.yaml'))
  const codes = new Set(files.flatMap((file) => parseBad(file).problems.map(({ code }) => code)))
  assert.ok(codes.size >= 35, `${codes.size} codes`)
  assert.deepEqual(
    [...codes].filter((code) => !reference.includes(`\`${code}\``)),
    [],
  )
})

function invokesOf(plan: Plan): InvokeStep[] {
  return plan.steps.filter((step) => step.kind === 'invoke')
}

const whole = `
name: film
on:
  kafka: { topic: films, type: film.asked, from: 2026-01-31T00:00:00+01:00 }
key: event.data.viewer
timeout: 1h30m
steps:
  - id: pick
    uses: stock/reserve
    with: { country: "\${{ event.data.country }}", tries: 9007199254740993, deep: { list: [1, "a", null] } }
    retry: { attempts: 5, backoff: fixed, initial: 50ms, max: 2s, jitter: false }
    timeout: 8h
    optional: true
  - id: tell
    uses: echo
    when: steps.pick.output != null
`

test('given a whole file, then the plan holds all of it in numbers and names', () => {
  const { plan } = parseWorkflow(whole, 'film.yaml', functions)
  assert.ok(plan)
  assert.equal(plan.name, 'film')
  assert.deepEqual(plan.on.kafka, {
    topic: 'films',
    type: 'film.asked',
    from: { at: 'time', timeMs: Date.UTC(2026, 0, 30, 23) },
    format: null,
    schema: null,
  })
  assert.equal(plan.key?.source, 'event.data.viewer')
  assert.equal(plan.timeoutMs, 5_400_000)
  assert.deepEqual(
    invokesOf(plan).map(({ no, id, uses, timeoutMs, optional }) => ({ no, id, uses, timeoutMs, optional })),
    [
      { no: 0, id: 'pick', uses: 'stock/reserve', timeoutMs: 28_800_000, optional: true },
      { no: 1, id: 'tell', uses: 'echo', timeoutMs: 30_000, optional: false },
    ],
  )
  assert.deepEqual(invokesOf(plan)[0]!.retry, {
    attempts: 5,
    backoff: { shape: 'fixed', initialMs: 50, maxMs: 2000, jitter: false },
    budgetMs: null,
    on: null,
    never: [],
  })
  assert.deepEqual(plan.body, plan.steps)
  assert.ok(plan.isChain)
})

test('given what is not said, then the defaults hold', () => {
  const { plan } = parseWorkflow('{"name":"a","on":{"kafka":"t"},"steps":[{"id":"b","uses":"echo"}]}', 'a.json', null)
  assert.deepEqual(plan?.on.kafka, {
    ...{ topic: 't', type: null, from: { at: 'earliest' } },
    ...{ format: null, schema: null },
  })
  assert.equal(plan?.key, null)
  assert.equal(plan?.timeoutMs, null)
  assert.deepEqual([plan?.order, plan?.startWithinMs, plan?.signals], ['key', null, []])
  const step = invokesOf(plan!)[0]!
  assert.deepEqual(step.retry, {
    attempts: 3,
    backoff: { shape: 'exponential', initialMs: 200, maxMs: 30_000, jitter: true },
    budgetMs: null,
    on: null,
    never: [],
  })
  assert.equal(step.compensate, null)
  assert.deepEqual([step.timeoutMs, step.optional, step.when], [30_000, false, null])
  assert.deepEqual(step.with.render({ event: {} as never, steps: {} }), {})
})

test('a plan is frozen through and through', () => {
  const { plan } = parseWorkflow(whole, 'film.yaml', functions)
  const thawed: string[] = []
  const look = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return
    if (!Object.isFrozen(value)) thawed.push(path)
    for (const [name, inner] of Object.entries(value)) look(inner, `${path}.${name}`)
  }
  look(plan, 'plan')
  assert.deepEqual(thawed, [])
})

test('line endings and a byte order mark make no other version; a changed text does', () => {
  const version = (text: string) => parseWorkflow(text, 'film.yaml', functions).plan?.version
  assert.match(version(whole)!, /^[0-9a-f]{64}$/)
  assert.equal(version(`\uFEFF${whole.replaceAll('\n', '\r\n')}`), version(whole))
  assert.notEqual(version(`${whole}# more\n`), version(whole))
})

test('given the source that the ledger keeps, then the same plan comes back without its functions', () => {
  const { plan } = parseWorkflow(whole, 'film.yaml', functions)
  const again = planFromSource(plan!.source, 'ledger')
  assert.equal(again.version, plan!.version)
  assert.equal(again.source, normalise(whole))
  assert.deepEqual(JSON.parse(JSON.stringify(again)), JSON.parse(JSON.stringify(plan)))
})

test('given a source that is none, then the error says every problem', () => {
  assert.throws(
    () => planFromSource('name: A\n', 'ledger'),
    (error) =>
      error instanceof EngineError && error.code === 'workflow_invalid' && /"steps" is missing/.test(error.message),
  )
})

test('a file of garbage reports a bounded number of problems', () => {
  const steps = Array.from({ length: 400 }, (_, i) => `  - { id: s${i}, uses: echo, oops: 1 }`).join('\n')
  const { problems } = parseWorkflow(`name: a\non: { kafka: t }\nsteps:\n${steps}\n`, 'a.yaml', null)
  assert.equal(problems.length, 101)
  assert.match(formatProblem(problems.at(-1)!), /there are at least 300 more problems/)
})

test('a file over the size limit is refused before it is read', () => {
  const { problems } = parseWorkflow(`# ${'x'.repeat(300 * 1024)}`, 'a.yaml', null)
  assert.deepEqual(
    problems.map(({ code, line }) => ({ code, line })),
    [{ code: 'limit', line: 1 }],
  )
})

test('five hundred steps load, one more does not', () => {
  const file = (count: number) =>
    `name: a\non: { kafka: t }\nsteps:\n${Array.from({ length: count }, (_, i) => `  - { id: s${i}, uses: echo }`).join('\n')}`
  assert.equal(parseWorkflow(file(500), 'a.yaml', null).plan?.steps.length, 500)
  assert.match(formatProblem(parseWorkflow(file(501), 'a.yaml', null).problems[0]!), /at most 500 steps/)
  const block = (id: string, count: number) =>
    `  - { id: ${id}, switch: [{ steps: [${Array.from({ length: count }, (_, i) => `{ id: ${id}_${i}, uses: echo }`).join(',')}] }] }`
  const nested = `name: a\non: { kafka: t }\nsteps:\n${block('x', 249)}\n${block('y', 249)}`
  assert.equal(parseWorkflow(nested, 'a.yaml', null).plan?.steps.length, 500)
  const { problems } = parseWorkflow(
    nested.replace('249', '250').replace('{ id: x_0', '{ id: z, uses: echo }, { id: x_0'),
    'a.yaml',
    null,
  )
  assert.deepEqual(
    problems.map(({ line, message }) => [line, message]),
    [[5, 'the workflow has more than 500 steps']],
  )
})
