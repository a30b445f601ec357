// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of workflow files are what is tested
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../../src/base/error.ts'
import type { Json } from '../../src/envelope/json.ts'
import type { Scope } from '../../src/workflow/plan.ts'
import { compileTemplate } from '../../src/workflow/template.ts'
import { fc } from '../support/fuzz.ts'
import { namesOf } from './names-of.ts'

const names = namesOf({ settled: ['pick'], later: [], self: 'here', nothingSettled: 'event' })
const event = { id: 'e', type: null, source: null, time: '2026-01-01T00:00:00Z', key: null, meta: {}, auth: null }
const data = { n: 5, d: 1.5, s: 'text', nul: null, list: [1, 'a'], map: { a: 1 }, big: 9007199254740993n, yes: true }
const scope: Scope = { event: { ...event, data }, steps: { pick: { output: { region: 'eu' } } } }

function render(input: Json): Json {
  const { template, problems } = compileTemplate(input, names)
  assert.ok(template, problems.map((problem) => problem.message).join())
  return template.render(scope)
}

const renders: [Json, Json][] = [
  // One expression keeps its type
  ['${{ event.data.n }}', 5],
  ['${{event.data.list}}', [1, 'a']],
  ['${{ event.data.big }}', 9007199254740993n],
  ['${{ event.data.nul }}', null],
  ['${{ event.data.yes && true }}', true],
  ['${{ {"a": {"b": event.data.n}} }}', { a: { b: 5 } }],
  ["${{ '}}' }}", '}}'],
  ['${{ "\\"}}" }}', '"}}'],
  ["${{ '''it's }} here''' }}", "it's }} here"],
  // Anything around it makes a text
  ['n=${{ event.data.n }}', 'n=5'],
  ['${{ event.data.n }}${{ event.data.d }}', '51.5'],
  ['a ${{ event.data.nul }} b', 'a  b'],
  ['${{ event.data.yes }}!', 'true!'],
  ['${{ event.data.big }}!', '9007199254740993!'],
  ['${{ event.data.list }} and ${{ event.data.map }}', '[1,"a"] and {"a":1}'],
  // Escapes and what is no expression
  ['$${{ event.data.n }}', '${{ event.data.n }}'],
  ['$${{ ${{ event.data.n }}', '${{ 5'],
  ['$5 {{ x }} ${ y }', '$5 {{ x }} ${ y }'],
  ['}}', '}}'],
  ['', ''],
  // Nested maps and lists; literals as they are
  [
    { a: [1, '${{ event.data.n }}', { b: '${{ steps.pick.output.region }}' }], c: null, d: true },
    { a: [1, 5, { b: 'eu' }], c: null, d: true },
  ],
  [{ big: 9007199254740993n }, { big: 9007199254740993n }],
  [{}, {}],
]

for (const [input, expected] of renders) {
  test(`renders ${JSON.stringify(input, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))}`, () => {
    assert.deepEqual(render({ input }), { input: expected })
    assert.deepEqual(render(input), expected)
  })
}

test('given a field called __proto__, then it stays a field', () => {
  const input = JSON.parse('{"__proto__": "${{ event.data.n }}", "b": "${{ event.data.n }}"}')
  const output = render(input) as object
  assert.equal(Object.getPrototypeOf(output), Object.prototype)
  assert.deepEqual(Object.entries(output), [
    ['__proto__', 5],
    ['b', 5],
  ])
})

test('given an expression that fails, then the error names the input it was for', () => {
  const { template } = compileTemplate({ bill: { lines: ['a', '${{ event.data.nope.x }}'] } }, names)
  assert.throws(
    () => template!.render(scope),
    (error) => {
      assert.ok(error instanceof EngineError)
      assert.equal(error.code, 'expression_failed')
      assert.equal(error.message, 'with.bill.lines[1]: event.data.nope: event.data has no field "nope"')
      assert.deepEqual(error.details, { expression: 'event.data.nope.x', input: 'with.bill.lines[1]' })
      return true
    },
  )
})

test('given mistakes in several inputs, then each is told with its place in the text', () => {
  const { template, problems } = compileTemplate({ a: 'x ${{ evnt.id }}', b: ['${{ 1 + }}', 'ok ${{ event.id'] }, names)
  assert.equal(template, null)
  assert.deepEqual(
    problems.map(({ path, offset, code }) => [path.join('.'), offset, code]),
    [
      ['a', 6, 'unknown_variable'],
      ['b.0', 7, 'expression_syntax'],
      ['b.1', 3, 'unclosed_expression'],
    ],
  )
})

test('text without an expression is never changed', () => {
  const property = fc.property(fc.string({ maxLength: 40 }), (text) => {
    fc.pre(!text.includes('${{'))
    assert.deepEqual(render({ text }), { text })
  })
  fc.assert(property, { numRuns: 200 })
})

test('a template that is rendered twice gives the same, and nobody can spoil its literals', () => {
  const { template } = compileTemplate({ fixed: { list: [1, 2] }, made: ['${{ event.data.n }}'] }, names)
  const first = template!.render(scope) as { fixed: { list: number[] }; made: Json[] }
  first.made.push('more')
  assert.throws(() => first.fixed.list.push(3), TypeError)
  assert.deepEqual(template!.render(scope), { fixed: { list: [1, 2] }, made: [5] })
})
