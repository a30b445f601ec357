/**
 * Which names an expression uses, and which of them cannot be there: checked before any event is seen, with the
 * name that was probably meant. Types are for CEL's own checker.
 */
import { didYouMean, nearest } from '../nearest.ts'
import { shorten } from '../problem.ts'
import { isBuiltIn, type Node } from './cel.ts'
import type { ExpressionProblem, Names } from './names.ts'
import { literalIndex } from './path.ts'
import { whyUnsafe } from './pattern.ts'

export interface References {
  readonly problems: readonly ExpressionProblem[]
  /** Ids of the steps whose output is read. */
  readonly steps: readonly string[]
  /** It reads credentials: what it says of its values is not for the ledger. */
  readonly auth: boolean
}

export function references(tree: Node, names: Names): References {
  const walk: Walk = { names, problems: [], steps: new Set(), fields: new Set() }
  visit(tree, new Set(), walk)
  return { problems: walk.problems, steps: [...walk.steps], auth: walk.fields.has('auth') }
}

interface Walk {
  readonly names: Names
  readonly problems: ExpressionProblem[]
  readonly steps: Set<string>
  /** Of the event. */
  readonly fields: Set<string>
}

/** The variables of the macros around a node. */
type Bound = ReadonlySet<string>

function visit(node: Node, bound: Bound, walk: Walk): void {
  if (isAccess(node)) visitAccess(node, bound, walk)
  else if (node.op === 'id') visitName(node.args, node.start, bound, walk)
  else if (node.op === 'call') visitAll(node.args[1], bound, walk)
  else if (node.op === 'rcall') visitMethod(node.args, bound, walk)
  else if (node.op === 'map') visitEntries(node.args, bound, walk)
  else if (node.op !== 'value') visitAll(Array.isArray(node.args) ? node.args : [node.args], bound, walk)
}

function visitAll(nodes: readonly Node[], bound: Bound, walk: Walk): void {
  for (const node of nodes) visit(node, bound, walk)
}

function visitName(name: string, offset: number, bound: Bound, walk: Walk): void {
  if (bound.has(name)) return
  if (name === 'event') walk.problems.push(bareEvent(offset))
  else if (name === 'steps') walk.problems.push(bareSteps(offset, walk.names))
  else if (name === 'error') walk.problems.push(bareError(offset, walk.names, bound))
  else if (!isBuiltIn(name)) walk.problems.push(unknownVariable(name, offset, bound, walk.names))
}

type Access = Extract<Node, { op: '.' | '.?' | '[]' | '[?]' }>

/** A chain of fields: from its root outwards, so that the first wrong link is the one reported. */
function visitAccess(node: Access, bound: Bound, walk: Walk): void {
  const chain: Access[] = []
  let root: Node = node
  while (isAccess(root)) {
    chain.push(root)
    root = root.args[0]
  }
  for (const link of chain) if (typeof link.args[1] !== 'string') visit(link.args[1], bound, walk)
  const links = chain.reverse().map(linkOf)
  if (root.op !== 'id' || bound.has(root.args)) visit(root, bound, walk)
  else if (root.args === 'event') checkEvent(links, walk)
  else if (root.args === 'steps') checkSteps(links, walk)
  else if (root.args === 'error' && walk.names.error) checkError(links, walk)
  else visit(root, bound, walk)
}

function isAccess(node: Node): node is Access {
  return node.op === '.' || node.op === '.?' || node.op === '[]' || node.op === '[?]'
}

interface Link {
  /** Null where it is computed. */
  readonly name: string | null
  readonly offset: number
}

function linkOf(access: Access): Link {
  const index = access.args[1]
  if (typeof index === 'string') return { name: index, offset: access.pos }
  const name = literalIndex(index)
  return { name: typeof name === 'string' ? name : null, offset: index.start }
}

const eventFields = ['id', 'type', 'source', 'time', 'key', 'data', 'meta', 'auth']

function checkEvent([field]: Link[], walk: Walk): void {
  if (field!.name === null) walk.problems.push(bareEvent(field!.offset))
  else if (field!.name === 'auth' && walk.names.published) walk.problems.push(publishedAuth(field!.offset))
  else if (eventFields.includes(field!.name)) walk.fields.add(field!.name)
  else walk.problems.push(unknownField(field!.name, field!.offset))
}

const errorFields = ['code', 'message']

function checkError([field]: Link[], walk: Walk): void {
  if (field!.name === null || !errorFields.includes(field!.name)) {
    walk.problems.push(bareError(field!.offset, walk.names, new Set()))
  }
}

function checkSteps([step, output]: Link[], walk: Walk): void {
  const problem = wrongSteps(step!, output, walk.names)
  if (problem) walk.problems.push(problem)
  else walk.steps.add(step!.name!)
}

function wrongSteps(step: Link, output: Link | undefined, names: Names): ExpressionProblem | null {
  if (step.name === null) return bareSteps(step.offset, names)
  return wrongStep(step.name, step.offset, names) ?? wrongOutput(step, output)
}

const macros = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])

function visitMethod([name, receiver, args]: [string, Node, Node[]], bound: Bound, walk: Walk): void {
  const binds = name === 'bind' && receiver.op === 'id' && receiver.args === 'cel'
  if (!binds) visit(receiver, bound, walk)
  if (name === 'matches') checkPattern(args, walk)
  if ((binds || macros.has(name)) && args[0]?.op === 'id') visitMacro(args[0].args, binds, args, bound, walk)
  else visitAll(args, bound, walk)
}

/** `list.map(item, …)` and its kin: the first argument names a variable for the others. */
function visitMacro(variable: string, binds: boolean, args: readonly Node[], bound: Bound, walk: Walk): void {
  if (variable === 'event' || variable === 'steps' || variable === 'error')
    walk.problems.push(shadowed(variable, args[0]!.start))
  const outside = binds ? 2 : 1
  visitAll(args.slice(1, outside), bound, walk)
  visitAll(args.slice(outside), new Set(bound).add(variable), walk)
}

function checkPattern([pattern]: readonly Node[], walk: Walk): void {
  const literal = pattern?.op === 'value' && typeof pattern.args === 'string'
  const why = literal ? whyUnsafe(pattern.args as string) : 'is computed'
  if (!pattern || why === null) return
  walk.problems.push({
    offset: pattern.start,
    code: 'bad_pattern',
    message: `the pattern of matches() ${why}`,
    expected: 'a literal regular expression without lookaround, backreference or a repeat inside of a repeat',
    fix: 'simplify it, or match in a function',
  })
}

/** Names that the library would leave out of a map without a word. */
const dropped = new Set(['__proto__', 'constructor', 'prototype'])

function visitEntries(entries: readonly (readonly [Node, Node])[], bound: Bound, walk: Walk): void {
  for (const [key, value] of entries) {
    if (key.op === 'value' && dropped.has(String(key.args)))
      walk.problems.push(reservedKey(String(key.args), key.start))
    visitAll([key, value], bound, walk)
  }
}

function bareEvent(offset: number): ExpressionProblem {
  return {
    offset,
    code: 'bare_event',
    message: '"event" is used as a whole',
    expected: `one of its fields: ${eventFields.join(', ')}`,
    fix: 'name what is needed, such as event.data',
  }
}

function bareSteps(offset: number, names: Names): ExpressionProblem {
  const example = names.settled.at(-1) ?? 'some_step'
  return {
    offset,
    code: 'bare_steps',
    message: '"steps" is used without the id of a step',
    expected: 'steps.<id>.output',
    fix: `name the step, such as steps.${example}.output`,
  }
}

function bareError(offset: number, names: Names, bound: Bound): ExpressionProblem {
  if (!names.error) return unknownVariable('error', offset, bound, names)
  return {
    offset,
    code: 'bare_error',
    message: '"error" is used without one of its fields',
    expected: 'error.code or error.message',
    fix: 'write error.code or error.message',
  }
}

function publishedAuth(offset: number): ExpressionProblem {
  return {
    offset,
    code: 'auth_published',
    message: 'credentials are not published',
    expected: 'fields of the event that are no credentials',
    fix: 'let a function use event.auth through its with:, and publish what it gives',
  }
}

function unknownVariable(name: string, offset: number, bound: Bound, names: Names): ExpressionProblem {
  const near = nearest(name, ['event', 'steps', ...(names.error ? ['error'] : []), ...bound])
  const otherwise = `a field of the event's data is event.data.${shorten(name)}, and text goes in quotes`
  return {
    offset,
    code: 'unknown_variable',
    message: `unknown name "${shorten(name)}"`,
    expected: names.error ? 'event, steps or error' : 'event or steps',
    fix: near ? `did you mean "${near}"?` : otherwise,
  }
}

function unknownField(name: string, offset: number): ExpressionProblem {
  return {
    offset,
    code: 'unknown_event_field',
    message: `the event has no field "${shorten(name)}"`,
    expected: `one of ${eventFields.join(', ')}`,
    fix: didYouMean(name, eventFields, `if it is in the event's data, write event.data.${shorten(name)}`),
  }
}

function wrongStep(id: string, offset: number, names: Names): ExpressionProblem | null {
  if (names.settled.includes(id)) return null
  const some = names.settled.length > 0
  const expected = some ? `the output of a step before it (${listed(names.settled)})` : names.nothingSettled
  if (id === names.self) {
    return {
      offset,
      code: 'later_step',
      message: `step "${id}" uses its own output`,
      expected,
      fix: 'use an earlier one',
    }
  }
  if (names.later.includes(id)) {
    const fix = names.self === null ? 'use event' : `move step "${id}" before step "${names.self}"`
    return { offset, code: 'later_step', message: `step "${id}" has not run yet at this point`, expected, fix }
  }
  const fix = didYouMean(id, names.settled, some ? 'use one of those' : 'use event')
  return { offset, code: 'unknown_step', message: `there is no step "${shorten(id)}"`, expected, fix }
}

function wrongOutput(step: Link, field: Link | undefined): ExpressionProblem | null {
  if (field?.name === 'output') return null
  const name = field?.name ? shorten(field.name) : null
  return {
    offset: (field ?? step).offset,
    code: 'no_output',
    message: name ? `a step has no field "${name}"` : `step "${step.name}" is used as a whole`,
    expected: `steps.${step.name}.output`,
    fix: `write steps.${step.name}.output${name ? `.${name}` : ''}`,
  }
}

function shadowed(name: string, offset: number): ExpressionProblem {
  return {
    offset,
    code: 'shadowed_name',
    message: `"${name}" is used as the name of a loop's item`,
    expected: 'a name of its own',
    fix: 'call it item',
  }
}

function reservedKey(key: string, offset: number): ExpressionProblem {
  return {
    offset,
    code: 'reserved_key',
    message: `a map cannot be given the key "${key}" in an expression`,
    expected: 'another key',
    fix: 'write the map in YAML instead, with the expressions as its values',
  }
}

function listed(ids: readonly string[]): string {
  return ids.length <= 8 ? ids.join(', ') : `${ids.slice(0, 8).join(', ')}, … (${ids.length})`
}
