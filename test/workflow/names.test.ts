import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileExpression, type Gives } from '../../src/workflow/expression/compile.ts'
import { namesOf } from './names-of.ts'

const inside = namesOf({
  settled: ['pick'],
  later: [],
  self: 'here',
  nothingSettled: 'event',
  others: ['item', 'signal'],
})
const names = namesOf({ settled: ['pick', 'bill'], later: ['here', 'last'], self: 'here', nothingSettled: 'event' })

/** Expression, offset, code, and a part of message, expectation and fix. */
const mistakes: [source: string, offset: number, code: string, says: RegExp, gives?: Gives][] = [
  ['', 0, 'empty_expression', /is empty/],
  ['evnt.data', 0, 'unknown_variable', /unknown name "evnt".*did you mean "event"/],
  ['1 + user.id', 4, 'unknown_variable', /event\.data\.user/],
  ['event', 0, 'bare_event', /event\.data/],
  ['event[event.key]', 6, 'bare_event', /one of its fields/],
  ['size(event)', 5, 'bare_event', /as a whole/],
  ['event.daat.x', 6, 'unknown_event_field', /did you mean "data"/],
  ['event.?daat.x', 7, 'unknown_event_field', /did you mean "data"/],
  ['has(event.daat)', 10, 'unknown_event_field', /did you mean "data"/],
  ['event.user', 6, 'unknown_event_field', /event\.data\.user/],
  ['steps', 0, 'bare_steps', /steps\.bill\.output/],
  ['"pick" in steps', 10, 'bare_steps', /without the id/],
  ['steps[event.key].output', 6, 'bare_steps', /without the id/],
  ['steps.pikc.output', 6, 'unknown_step', /did you mean "pick"/],
  ['steps["pikc"].output', 6, 'unknown_step', /did you mean "pick"/],
  ['steps.last.output', 6, 'later_step', /move step "last" before step "here"/],
  ['steps.here.output', 6, 'later_step', /its own output/],
  ['steps.pick', 6, 'no_output', /write steps\.pick\.output/],
  ['steps.pick.region', 11, 'no_output', /write steps\.pick\.output\.region/],
  ['has(steps.pick.result)', 15, 'no_output', /steps\.pick\.output/],
  ['event.data.list.map(event, event.x)', 20, 'shadowed_name', /call it item/],
  ['event.data.list.map(i, j.x)', 23, 'unknown_variable', /unknown name "j"/],
  ['event.data.list.map(item, itm.x)', 26, 'unknown_variable', /did you mean "item"/],
  ['event.data.a.matches(event.data.b)', 21, 'bad_pattern', /is computed/],
  ['event.data.a.matches("(a+)+")', 21, 'bad_pattern', /repeats a group/],
  ['event.data.a.matches("((ab)*c)*")', 21, 'bad_pattern', /repeats a group/],
  ['event.data.a.matches("a(")', 21, 'bad_pattern', /no regular expression/],
  ['event.data.a.matches("(?=a)")', 21, 'bad_pattern', /lookaround/],
  ['event.data.a.matches("(a)\\\\1")', 21, 'bad_pattern', /backreference/],
  ['{"__proto__": 1}', 1, 'reserved_key', /another key/],
  ['event.data.a = 1', 13, 'expression_syntax', /== to compare/],
  ['event.data.a &  1', 13, 'expression_syntax', /double it/],
  ['event.data.a and true', 13, 'expression_syntax', /&& for and/],
  ['(event.data.a', 13, 'expression_syntax', /close the bracket/],
  ['[1, 2', 5, 'expression_syntax', /close the bracket/],
  ['event.data.', 11, 'expression_syntax', /the name of a field/],
  ['event.data.in', 11, 'expression_syntax', /in brackets/],
  ["'abc", 0, 'expression_syntax', /missing quote/],
  ['1 +', 3, 'expression_syntax', /finish the expression/],
  ['event.data.#a', 11, 'expression_syntax', /unexpected "#"/],
  ['lenght(event.data.a)', 0, 'unknown_cel_function', /no CEL function "lenght"/],
  ['event.data.a.startWith("x")', 0, 'unknown_cel_function', /did you mean "startsWith"/],
  ['size(1)', 0, 'unknown_cel_function', /number and the types/],
  ['1 + 1.5', 0, 'expression_type', /double\(…\)/],
  ['"a" + 1', 0, 'expression_type', /string\(…\)/],
  ['event.id + 1', 0, 'expression_type', /string\(…\)/],
  ['event.data.a ? "x" : 1', 0, 'expression_type', /dyn\(…\)/],
  ['event.id && true', 0, 'expression_type', /compare/],
  ['"yes"', 0, 'wrong_type', /gives a string.*true or false/, 'bool'],
  ['event.id', 0, 'wrong_type', /gives a string/, 'bool'],
  ['[event.id]', 0, 'wrong_type', /gives a list.*a text, an int/, 'key'],
  ['1.5', 0, 'wrong_type', /gives a double/, 'key'],
  ['event.time', 0, 'wrong_type', /gives a timestamp/, 'key'],
  ['type(1)', 0, 'wrong_type', /gives a type/],
  [`${'('.repeat(100)}1${')'.repeat(100)}`, 64, 'limit', /move the logic into a function/],
  ['1'.repeat(5000), 0, 'limit', /5000 characters/],
]

for (const [source, offset, code, says, gives] of mistakes) {
  test(`${source.slice(0, 40)} is refused: ${code}`, () => {
    const { expression, problems } = compileExpression(source, names, gives ?? 'json')
    assert.equal(expression, null)
    const [problem] = problems
    assert.equal(problem!.code, code, problem!.message)
    assert.match(`${problem!.message}; ${problem!.expected}; ${problem!.fix}`, says)
    assert.equal(problem!.offset, offset)
  })
}

test('every wrong name of an expression is told, not only the first', () => {
  const { problems } = compileExpression('evnt.a == steps.pikc.output && event.dta > 1', names, 'bool')
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['unknown_variable', 'unknown_step', 'unknown_event_field'],
  )
})

/** Where an item and a signal are seen. */
const seen: [source: string, code: string | null, says?: RegExp][] = [
  ['item.id == signal.key', null],
  ['itme.id', 'unknown_variable', /event, steps, item or signal.*did you mean "item"/],
  ['signal', 'bare_signal', /its fields: id, type, source, time, key, data.*signal\.data/],
  ['signal[event.id]', 'bare_signal'],
  ['signal.meta', 'unknown_signal_field', /the signal has no field "meta"/],
  ['output', 'unknown_variable', /only compensate sees "output"/],
  ['[1].map(item, item)', 'shadowed_name', /call it each/],
  ['[1].map(signal, 1)', 'shadowed_name'],
]

for (const [source, code, says] of seen) {
  test(`inside of a forEach, ${source} is ${code ?? 'well'}`, () => {
    const { problems } = compileExpression(source, inside, 'json')
    assert.deepEqual(
      problems.map((problem) => problem.code),
      code === null ? [] : [code],
    )
    if (says) assert.match(`${problems[0]!.message}; ${problems[0]!.expected}; ${problems[0]!.fix}`, says)
  })
}

test('patterns that are linear are let through', () => {
  for (const pattern of ['^[a-z]+$', '(ab|cd)+', '(?:a{2})+', 'a*b*c*', '[(+]+', '\\\\(a+\\\\)+', '(a?b)*']) {
    const { problems } = compileExpression(`event.data.a.matches("${pattern}")`, names, 'bool')
    assert.deepEqual(problems, [], pattern)
  }
})
