/** The CEL library's words turned into ours: what is wrong, what was expected, the likely fix. */
import { didYouMean } from '../nearest.ts'
import { shorten } from '../problem.ts'
import { type CelMistake, functionNames } from './cel.ts'
import type { ExpressionProblem } from './names.ts'

export function explain(mistake: CelMistake, source: string): ExpressionProblem {
  const [, , code, expected, fix] =
    hints.find(([code, when]) => code === mistake.code && when(mistake, source)) ?? unknown
  return {
    offset: Math.min(mistake.offset, source.length),
    code,
    message: messageOf(mistake, source),
    expected,
    fix: typeof fix === 'string' ? fix : fix(mistake),
  }
}

/** The library's code, what must hold of the case, our code, what was expected, the likely fix. */
type Hint = readonly [
  code: string,
  when: (mistake: CelMistake, source: string) => boolean,
  as: 'expression_syntax' | 'expression_type' | 'unknown_cel_function' | 'limit',
  expected: string,
  fix: string | ((mistake: CelMistake) => string),
]

const always = () => true
const at = (text: RegExp) => (mistake: CelMistake, source: string) => text.test(source.slice(mistake.offset))
const says = (text: RegExp) => (mistake: CelMistake) => text.test(mistake.message)
const [syntax, mistyped] = ['expression_syntax', 'expression_type'] as const
const compare = 'compare the value with something'

const mixed = /int>? [-+*/] (dyn<)?double|double>? [-+*/] (dyn<)?int/
const unknown: Hint = ['', always, syntax, 'a CEL expression', 'docs/workflow-reference.md shows what there is']

/** The first that fits is taken. */
const hints: readonly Hint[] = [
  ['unexpected_character', at(/^=/), syntax, '== between two values', 'write == to compare'],
  ['unexpected_character', at(/^[&|]/), syntax, '&& or ||', 'double it'],
  ['unexpected_character', at(/^\$/), syntax, 'plain CEL', 'leave out the dollar sign and the braces around it'],
  ['unexpected_character', at(/^(and|or|not)\b/i), syntax, 'an operator', 'write && for and, || for or, ! for not'],
  ['unexpected_character', always, syntax, 'an operator or the end', 'put text in quotes, or add an operator'],
  ['unexpected_token', says(/EOF/), syntax, 'a value', 'finish the expression'],
  ['unexpected_token', always, syntax, 'a value', 'remove it, or put a value before it'],
  ['expected_token', says(/Expected IDENTIFIER/), syntax, 'the name of a field', 'put an odd name in brackets: ["in"]'],
  ['expected_token', says(/Expected EOF/), syntax, 'the end', 'remove the rest, or add an operator'],
  ['expected_token', always, syntax, 'brackets that close in order', 'close the bracket'],
  ['unterminated_string', always, syntax, 'a quote that closes the text', 'add the missing quote'],
  ['limit_exceeded', always, 'limit', 'a smaller expression', 'move the logic into a function'],
  ['no_such_overload', says(mixed), mistyped, 'two ints or two doubles', 'write double(…) around the int'],
  ['no_such_overload', says(/string>? \+|\+ (dyn<)?string/), mistyped, 'two texts', 'write string(…) around the other'],
  [
    'no_such_overload',
    always,
    mistyped,
    'values that this operator takes',
    'convert one: int(…), double(…), string(…)',
  ],
  ['no_matching_overload', always, 'unknown_cel_function', 'a CEL function with such arguments', nearestFunction],
  ['incompatible_ternary_branches', always, mistyped, 'one type on both sides of the colon', 'write dyn(…) around one'],
  ['invalid_condition_type', always, mistyped, 'true or false', compare],
  ['invalid_logical_operand', always, mistyped, 'true or false on both sides', compare],
  [
    'invalid_macro_argument',
    says(/has\(\)/),
    mistyped,
    'has(a.path.of.fields)',
    'write "name" in event.data for odd names',
  ],
]

function nearestFunction(mistake: CelMistake): string {
  const name = calledName(mistake.message)
  const known = functionNames()
  if (known.has(name)) return 'check the number and the types of the arguments'
  return didYouMean(name, known, 'do it in a function of your own')
}

const tokens: Record<string, string> = {
  ...{ EOF: 'the end of the expression', LPAREN: '"("', RPAREN: '")"', LBRACKET: '"["', RBRACKET: '"]"' },
  ...{ LBRACE: '"{"', RBRACE: '"}"', IDENTIFIER: 'a name', COLON: '":"', QUESTION: '"?"', COMMA: '","', DOT: '"."' },
  ...{ EQ: '"=="', NE: '"!="', LT: '"<"', LE: '"<="', GT: '">"', GE: '">="', AND: '"&&"', OR: '"||"', NOT: '"!"' },
  ...{ PLUS: '"+"', MINUS: '"-"', MULTIPLY: '"*"', DIVIDE: '"/"', MODULO: '"%"', IN: '"in"' },
  ...{ NUMBER: 'a number', STRING: 'a text', BOOLEAN: 'true or false', NULL: 'null', BYTES: 'bytes' },
}

function calledName(message: string): string {
  return /'(?:[^'(]*\.)?([^'.(]+)\(/.exec(message)?.[1] ?? ''
}

function messageOf({ code, message, offset }: CelMistake, source: string): string {
  if (code === 'unexpected_character') return `unexpected "${/^(?:\w+|.?)/su.exec(source.slice(offset))![0]}"`
  const called = code === 'no_matching_overload' ? calledName(message) : null
  if (called && !functionNames().has(called)) return `there is no CEL function "${shorten(called)}"`
  return readable(message)
}

/** Lower case at the start, no names of the parser's tokens, no `dyn<int>` where `int` says it. */
function readable(message: string): string {
  const plain = message
    .replace(/\b[A-Z]{2,}\b/g, (word) => tokens[word] ?? word)
    .replace(/dyn<([^<>]*)>/g, '$1')
    .replace(/google\.protobuf\./g, '')
  return shorten(plain.charAt(0).toLowerCase() + plain.slice(1), 200)
}
