// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of workflow files are what is tested
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseWorkflow } from '../../src/workflow/parse.ts'
import { formatProblem } from '../../src/workflow/problem.ts'
import { fc } from '../support/fuzz.ts'

const good = readFileSync(new URL('../../../test/workflow/fixtures/good.yaml', import.meta.url), 'utf8')
const oneLine = /^\S+:[1-9]\d*:[1-9]\d*: [^\n\r]+; expected [^\n\r]+; [^\n\r]+$/

/** Always a plan or problems, each with a place in the file and on one line. */
function holds(text: string): void {
  const { plan, problems } = parseWorkflow(text, 'fuzz.yaml', null)
  assert.equal(plan === null, problems.length > 0)
  const lines = text.split(/\r\n?|\n/).length
  for (const problem of problems) {
    assert.match(formatProblem(problem), oneLine)
    assert.ok(problem.line <= lines, `line ${problem.line} of ${lines}`)
  }
}

test('any text gives a plan or problems, never a throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), holds), { numRuns: 300 })
})

const signs = [...':{}[]-?!&*|>%@`"\'#,\n\t .$~<'].map((sign) => sign)
const words = [
  'name',
  'on',
  'kafka',
  'steps',
  'id',
  'uses',
  'with',
  'when',
  '${{',
  '}}',
  'event.data',
  'retry',
  'parallel',
  'forEach',
  'switch',
  'sleep',
  'wait',
  'call',
  'compensate',
  'signals',
  '1',
  'null',
]

test('any mixture of signs and words gives a plan or problems', () => {
  const piece = fc.constantFrom(...signs, ...words)
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => holds(pieces.join(''))),
    { numRuns: 500 },
  )
})

test('a good file with one piece cut, doubled or replaced gives a plan or problems', () => {
  const at = fc.nat({ max: good.length })
  const change = fc.tuple(at, fc.nat({ max: 12 }), fc.constantFrom('', ...signs, ...words))
  const property = fc.property(change, ([from, length, put]) =>
    holds(good.slice(0, from) + put + good.slice(from + length)),
  )
  fc.assert(property, { numRuns: 500 })
})

test('any JSON in any field gives a plan or problems', () => {
  const field = fc.constantFrom(
    'name',
    'on',
    'key',
    'timeout',
    'steps',
    'id',
    'uses',
    'with',
    'when',
    'retry',
    'optional',
    'parallel',
    'forEach',
    'switch',
    'sleep',
    'wait',
    'call',
    'compensate',
    'join',
    'as',
    'signals',
    'order',
  )
  const property = fc.property(field, fc.boolean(), fc.jsonValue({ maxDepth: 3 }), (name, runs, value) => {
    const step = { id: 'a', ...(runs && { uses: 'b' }), [name]: value }
    holds(JSON.stringify({ name: 'a', on: { kafka: 't' }, steps: [step], ...(name.length > 2 && { [name]: value }) }))
    holds(JSON.stringify({ name: 'a', on: { kafka: 't' }, steps: [{ id: 'b', switch: [{ steps: [step] }] }] }))
  })
  fc.assert(property, { numRuns: 500 })
})

/** Half of what is let in: what grows with the square still shows. */
const size = 128 * 1024
const longId = (i: number) => `s${i}_${'abcdefgh'.repeat(7)}`
const manySteps = Array.from({ length: 400 }, (_, i) => `  - { id: ${longId(i)}, uses: echo }`).join('\n')
const wrongSteps = Array.from({ length: 1500 }, (_, i) => `\${{steps.${longId(i + 1000)}.output}}`).join('')

const nested = (depth: number): string =>
  depth === 0 ? '{}' : `{ parallel: { a: [${nested(depth - 1)}] }, switch: [{ steps: [${nested(depth - 1)}] }] }`

const hostile: Record<string, string> = {
  'steps in steps': `name: a\non: { kafka: t }\nsteps: [${nested(10)}]`,
  'many unknown steps': `name: a\non: { kafka: t }\nsteps:\n${manySteps}\n  - { id: z, uses: e, with: { a: "${wrongSteps}" } }`,
  'many unknown names': `name: a\non: { kafka: t }\nsteps: [{ id: z, uses: e, with: { a: "${'${{a}}'.repeat(40_000)}" } }]`,
  'many steps': `name: a\non: { kafka: t }\nsteps:\n${'- \n'.repeat(size / 4)}`,
  'many steps of text': `name: a\non: { kafka: t }\nsteps:\n${'- {uses: a}\n'.repeat(size / 12)}`,
  'spaces in a name': `name: "${' '.repeat(size)}"\non: "${'a '.repeat(size / 4)}"`,
  'open lists': '['.repeat(size),
  'open maps': '{a: '.repeat(size / 4),
  'nested dashes': '- '.repeat(size / 2),
  'nested keys': Array.from({ length: 700 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  'question marks': '? '.repeat(size / 2),
  'one key again and again': 'a:\n'.repeat(size / 3),
  'many keys': Array.from({ length: size / 12 }, (_, i) => `k${i}: ${i}`)
    .join('\n')
    .slice(0, size),
  commas: `[${','.repeat(size / 4)}`,
  'closing brackets': '}\n'.repeat(size / 2),
  documents: '---\n'.repeat(size / 4),
  tags: '!a '.repeat(size / 4),
  anchors: '- &a 1\n'.repeat(size / 8),
  'one long word': 'a'.repeat(size),
  'a long number': `name: ${'9'.repeat(size - 10)}`,
  'an open expression': `name: a\nsteps: [{ with: { a: "${'${{'.repeat(size / 4)}" } }]`,
  'a deep expression': `name: a\nkey: "${'('.repeat(4000)}"`,
  'a long expression': `name: a\nkey: "${'1+'.repeat(2000)}1"`,
  negations: `name: a\nkey: "${'!'.repeat(4000)}true"`,
}

for (const [name, text] of Object.entries(hostile)) {
  test(`hostile input ends soon: ${name}`, () => {
    const startedMs = performance.now()
    holds(text)
    const tookMs = performance.now() - startedMs
    assert.ok(tookMs < 20_000, `took ${Math.round(tookMs)} ms`)
  })
}
