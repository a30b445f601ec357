import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../../src/base/error.ts'
import { type Json, parseJson, stringifyJson } from '../../src/envelope/json.ts'
import { compileExpression, type Gives, keyText } from '../../src/workflow/expression/compile.ts'
import type { Scope } from '../../src/workflow/plan.ts'
import { fc } from '../support/fuzz.ts'
import { namesOf } from './names-of.ts'

const names = namesOf({
  settled: ['pick', 'skipped', 'list'],
  later: ['last'],
  self: 'here',
  nothingSettled: 'event',
  others: ['party', 'party_index', 'output', 'signal'],
})

const scope: Scope = {
  event: {
    id: 'e-1',
    type: null,
    source: '/shop',
    time: '2026-01-02T03:04:05.678901Z',
    key: 'k',
    meta: { trace: 'abc', 'x-odd': 'odd' },
    auth: {
      ...{ principal: 'ann', family: 'jwt', roles: ['billing'], claims: { org: 'o-1' } },
      by: { jwt: { principal: 'ann', family: 'jwt', roles: ['billing'], claims: { org: 'o-1' } } },
    },
    data: parseJson(`{
      "n": 5, "d": 1.5, "whole": 2.0, "s": "text", "nul": null, "yes": true,
      "exact": 9007199254740993, "huge": 18446744073709551615, "tiny": -9007199254740993,
      "list": [1, "a", null, {"q": 2}], "words": ["a", "b"], "empty": [], "none": {},
      "user": {"id": 7, "name": "Ada", "address": null},
      "items": [{"price": 5, "count": 2}, {"price": 1.5, "count": 3}],
      "odd name": 1, "constructor": "c", "__proto__": {"x": 1}, "in": 3, "1": "one"
    }`),
  },
  steps: {
    pick: { output: { region: 'eu-west', cents: 1999, __proto__: 1 } as never },
    skipped: { output: null },
    list: { output: [10, 20] },
  },
  names: {
    party: { id: 'studio', cents: 5, lines: [1, 2] },
    party_index: 2,
    output: null,
    signal: { id: 's-1', type: null, source: null, time: '2026-01-02T03:04:05Z', key: 'k', data: { watched: 7 } },
  },
}

function evaluate(source: string, gives: Gives = 'json', at: Scope = scope): Json {
  const { expression, problems } = compileExpression(source, names, gives)
  assert.ok(expression, `${source}: ${problems.map((problem) => problem.message)}`)
  return expression.evaluate(at)
}

/** Expression -> the JSON it gives. */
const values: [string, Json][] = [
  // Paths
  ['event.id', 'e-1'],
  ['event.type', null],
  ['event.time', '2026-01-02T03:04:05.678901Z'],
  ['event.data.n', 5],
  ['event.data.user.name', 'Ada'],
  ['event.data["odd name"]', 1],
  ['event.data["in"]', 3],
  ['event.data.list[3].q', 2],
  ['event.data.constructor', 'c'],
  ['event.data.__proto__.x', 1],
  ['event.meta["x-odd"]', 'odd'],
  ['steps.pick.output.region', 'eu-west'],
  ['steps["pick"].output["region"]', 'eu-west'],
  ['steps.skipped.output', null],
  ['steps.list.output[1]', 20],
  ['event.data.exact', 9007199254740993n],
  // Names of items, of a compensation, of a wait
  ['party', { id: 'studio', cents: 5, lines: [1, 2] }],
  ['party.lines[1]', 2],
  ['party_index', 2],
  ['party_index + 1', 3],
  ['party.id + "-" + string(party.cents)', 'studio-5'],
  ['party.lines.map(line, line + party_index)', [3, 4]],
  ['has(party.nope) || party.?cents.orValue(0) == 5', true],
  ['output', null],
  ['output == null', true],
  ['signal.data.watched', 7],
  ['signal.key == event.key && signal.data.watched > party.cents', true],
  ['signal.time > event.time', false],
  ['signal.time', '2026-01-02T03:04:05Z'],
  // Numbers: ints are ints, doubles are doubles, and each stays exact
  ['event.data.n * 2', 10],
  ['event.data.n / 2', 2],
  ['event.data.whole + 1', 3],
  ['event.data.d * 2.0', 3],
  ['event.data.n > 4.5', true],
  ['event.data.n == 5.0', true],
  ['double(event.data.n) / 2.0', 2.5],
  ['event.data.exact + 1', 9007199254740994n],
  ['event.data.exact == 9007199254740993', true],
  ['event.data.tiny - 1', -9007199254740994n],
  ['[event.data.huge]', [18446744073709551615n]],
  ['9007199254740991 + 0', 9007199254740991],
  ['int("42") + 1', 43],
  ['2u + 3u', 5],
  // Comparison never fails for another kind, order does (see below)
  ['event.data.s == 5', false],
  ['event.data.nul == null', true],
  ['event.data.s != null', true],
  ['event.type == "x"', false],
  ['event.data.user == {"name": "Ada", "id": 7, "address": null}', true],
  ['event.data.list == [1, "a", null, {"q": 2}]', true],
  ['"a" in event.data.list', true],
  ['"n" in event.data', true],
  ['event.data.s in ["x", "text"]', true],
  // Presence
  ['has(event.data.n)', true],
  ['has(event.data.nul)', true],
  ['has(event.data.nope)', false],
  ['has(event.data.user.address.street)', false],
  ['event.data.?nope', null],
  ['event.data.?nope.?deeper.orValue("d")', 'd'],
  ['event.data.?n.orValue(3)', 5],
  ['event.data.words[?7].orValue("none")', 'none'],
  ['event.data.nope == 1 || true', true],
  ['event.data.nope == 1 && false', false],
  // Lists, maps, text
  ['[1, "a", null, 1.5, event.data.n]', [1, 'a', null, 1.5, 5]],
  ['{"a": event.data.user, "b": [event.data.n]}', { a: { id: 7, name: 'Ada', address: null }, b: [5] }],
  ['event.data.items.map(i, i.price)', [5, 1.5]],
  ['event.data.items.filter(i, i.count > 2)', [{ price: 1.5, count: 3 }]],
  ['event.data.items.exists(i, i.count == 3)', true],
  ['event.data.items.all(i, has(i.price))', true],
  ['event.data.user.map(k, k)', ['id', 'name', 'address']],
  ['size(event.data.items)', 2],
  ['event.data.empty.size() == 0', true],
  ['event.data.words + ["c"]', ['a', 'b', 'c']],
  ['event.data.words.join("-")', 'a-b'],
  ['"at " + string(event.data.n)', 'at 5'],
  ['event.data.s.startsWith("te")', true],
  ['event.data.s.matches("^t.x+t$")', true],
  ['cel.bind(x, event.data.n, x + x)', 10],
  ['event.data.n > 1 ? "big" : "small"', 'big'],
  ['type(event.data.n) == int', true],
  // Time and bytes
  ['event.time > timestamp("2026-01-01T00:00:00Z")', true],
  ['event.time + duration("1h")', '2026-01-02T04:04:05.678Z'],
  ['[event.time]', ['2026-01-02T03:04:05.678901Z']],
  ['string(event.time)', '2026-01-02T03:04:05.678901Z'],
  ['event.time.getFullYear()', 2026],
  ['event.time - timestamp("2026-01-02T03:04:04Z")', '1.678s'],
  ['duration("90m")', '5400s'],
  ['duration("-1.5s")', '-1.5s'],
  ['b"abc"', 'YWJj'],
]

for (const [source, expected] of values) {
  test(`${source} gives ${typeof expected === 'bigint' ? expected : JSON.stringify(expected, bigintText)}`, () => {
    assert.deepEqual(evaluate(source), expected)
  })
}

function bigintText(_: string, value: unknown) {
  return typeof value === 'bigint' ? `${value}n` : value
}

/** Expression -> what its failure says. */
const failures: [string, RegExp, Gives?][] = [
  ['event.data.nope', /^event\.data\.nope: event\.data has no field "nope"$/],
  ['event.data.nope.deeper', /^event\.data\.nope: event\.data has no field "nope"$/],
  ['event.data.user.address.street', /^event\.data\.user\.address\.street: event\.data\.user\.address is null$/],
  ['event.data.s.x', /event\.data\.s is a string, it has no field "x"/],
  ['event.data.s[0]', /event\.data\.s is a string, it is not a list/],
  ['event.data.words[2]', /event\.data\.words is a list of 2/],
  ['event.data.words.first', /event\.data\.words is a list, not a map with a field "first"/],
  ['event.data.user[0]', /event\.data\.user is not a list/],
  ['event.data.toString', /event\.data has no field "toString"/],
  ['event.data.user.constructor', /event\.data\.user has no field "constructor"/],
  ['event.data.user.__proto__', /event\.data\.user has no field "__proto__"/],
  ['event.data.user.hasOwnProperty', /has no field "hasOwnProperty"/],
  ['steps.skipped.output.x', /steps\.skipped\.output is null/],
  ['party.nope', /^party\.nope: party has no field "nope"$/],
  ['party.lines[2]', /^party\.lines\[2\]: party\.lines is a list of 2$/],
  ['output.id', /^output\.id: output is null$/],
  ['signal.data.nope', /^signal\.data\.nope: signal\.data has no field "nope"$/],
  ['party.nope + 1', /^party\.nope: party has no field "nope"$/],
  ['signal.data.nope > 1', /^signal\.data\.nope: signal\.data has no field "nope"$/],
  // The same words where the path is a part of more
  ['event.data.nope + 1', /^event\.data\.nope: event\.data has no field "nope"$/],
  ['event.data.user.address.street == "x"', /event\.data\.user\.address is null/],
  ['event.data.words[2] + "x"', /event\.data\.words is a list of 2/],
  ['event.data.items.map(i, i.nope)', /no such key: nope/],
  ['event.data.n + 1.5', /no such overload: int \+ double/],
  ['"at " + event.data.n', /no such overload: string \+ int/],
  ['event.data.s < 5', /no such overload: string < int/],
  ['event.data.nul < 5', /no such overload: null < int/],
  ['event.data.n ? 1 : 2', /condition must be bool, got 'int'/],
  ['1 / (event.data.n - 5)', /division by zero/],
  ['9223372036854775807 + event.data.n', /integer overflow/],
  ['1.0 / (event.data.d - 1.5)', /number that JSON cannot say/],
  ['timestamp(event.data.s)', /timestamp\(\) requires a string in ISO 8601/],
  ['event.data.s', /it gave "text", not true or false/, 'bool'],
  ['event.data.?nope', /it gave null, not true or false/, 'bool'],
  ['event.data.user', /a key cannot be a map/, 'key'],
  ['event.data.words', /a key cannot be a list of 2/, 'key'],
  ['event.data.d', /a key cannot be the fraction 1\.5/, 'key'],
  ['event.data.s', /it gave "text", not a time such as 2026/, 'time'],
  ['event.data.nul', /it gave null, not a time/, 'time'],
]

for (const [source, expected, gives] of failures) {
  test(`${source} fails${gives ? ` as a ${gives}` : ''}: ${expected.source}`, () => {
    assert.throws(
      () => evaluate(source, gives),
      (error) => {
        assert.ok(error instanceof EngineError, String(error))
        assert.equal(error.code, 'expression_failed')
        assert.equal(error.retryable, false)
        assert.equal(error.details.expression, source)
        assert.match(error.message, expected)
        return true
      },
    )
  })
}

test('given a step that has not settled, then reading it says so', () => {
  const early = { ...scope, steps: {} }
  assert.throws(() => evaluate('steps.pick.output.region', 'json', early), /step "pick" has no output yet/)
  assert.throws(() => evaluate('steps.pick.output.region + "x"', 'json', early), /step "pick" has no output yet/)
})

test('given a name that is not there, then reading it says so', () => {
  const without = { event: scope.event, steps: {} }
  assert.throws(() => evaluate('party.id', 'json', without), /^EngineError: party: it is not there$/)
  assert.throws(() => evaluate('party.id + "x"', 'json', without), /party/)
})

test('a time is an RFC 3339 text, whether it was a timestamp or a text', () => {
  assert.equal(evaluate('event.time', 'time'), '2026-01-02T03:04:05.678901Z')
  assert.equal(evaluate('event.time + duration("1h")', 'time'), '2026-01-02T04:04:05.678Z')
  assert.equal(evaluate('"2026-01-31T00:00:00+01:00"', 'time'), '2026-01-31T00:00:00+01:00')
})

test('a key is a text, an int, a bool or null, and each has one text', () => {
  const text = (source: string) => keyText(evaluate(source, 'key'))
  assert.equal(text('event.data.s'), 'text')
  assert.equal(text('event.data.n'), '5')
  assert.equal(text('event.data.exact'), '9007199254740993')
  assert.equal(text('event.data.yes'), 'true')
  assert.equal(text('event.data.nul'), null)
  assert.equal(text('event.data.?nope'), null)
})

test('a result shares no prototype with anything but plain JSON', () => {
  const result = evaluate('[{"user": event.data.user, "all": event.data}]') as { all: object; user: object }[]
  const prototypes = new Set([result, result[0]!, result[0]!.all, result[0]!.user].map(Object.getPrototypeOf))
  assert.deepEqual(prototypes, new Set([Array.prototype, Object.prototype]))
  assert.ok(Object.hasOwn(result[0]!.all, '__proto__'))
  assert.equal(({} as { x?: number }).x, undefined)
})

/** A path is read directly when it stands alone, and by CEL when something is around it. */
test('the short way of a plain path answers what CEL answers', () => {
  const value = fc.letrec((tie) => ({
    json: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 'text', '', 0, -1, 1.5, 2 ** 53, 1e300, 9007199254740993n, -0.5),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'constructor', '__proto__', 'toString', '1'), tie('json'), {
        maxKeys: 3,
      }),
    ),
  })).json as fc.Arbitrary<Json>
  const segment = fc.constantFrom('.a', '.b', '["constructor"]', '["__proto__"]', '["toString"]', '["1"]', '[0]', '[1]')
  const property = fc.property(value, fc.array(segment, { maxLength: 4 }), (made, path) => {
    const data = parseJson(stringifyJson(made))
    const at: Scope = { event: { ...scope.event, data }, steps: { pick: { output: data } }, names: { party: data } }
    for (const root of ['event.data', 'steps.pick.output', 'party']) {
      const source = `${root}${path.join('')}`
      assert.deepEqual(outcome(`true ? ${source} : ${source}`, at), outcome(source, at), source)
    }
  })
  fc.assert(property, { numRuns: 500 })
})

function outcome(source: string, at: Scope): unknown {
  try {
    return { value: evaluate(source, 'json', at) }
  } catch (error) {
    return { failure: (error as Error).message }
  }
}

test('any JSON goes into CEL and comes back as it was', () => {
  const property = fc.property(fc.jsonValue(), (json) => {
    const data = JSON.parse(JSON.stringify(json)) as Json
    const at = { ...scope, event: { ...scope.event, data } }
    assert.deepEqual(evaluate('[event.data][0]', 'json', at), data)
  })
  fc.assert(property, { numRuns: 300 })
})

test('an evaluation changes nothing of what it reads', () => {
  const before = structuredClone(scope)
  for (const [source] of values) evaluate(source)
  assert.deepEqual(scope, before)
})

test('where there is a quicker way to one step, all of them are not asked for', () => {
  const quick: Scope = {
    event: scope.event,
    step: (id) => scope.steps[id],
    get steps(): never {
      throw new Error('all steps were asked for')
    },
  }
  assert.equal(evaluate('steps.pick.output.region', 'json', quick), 'eu-west')
  assert.equal(evaluate('steps.pick.output.cents > 1 && steps.skipped.output == null', 'json', quick), true)
})

test('evaluations are cheap enough to be no concern of a coordinator', () => {
  const time = (source: string, count: number) => {
    const { expression } = compileExpression(source, names, 'json')
    const startedMs = performance.now()
    for (let i = 0; i < count; i++) expression!.evaluate(scope)
    return performance.now() - startedMs
  }
  assert.ok(time('event.data.user.name', 100_000) < 5000)
  assert.ok(time('party.id', 100_000) < 5000)
  assert.ok(time('event.data.n > 1 && steps.pick.output.cents < 5000', 20_000) < 5000)
})
