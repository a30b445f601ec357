/**
 * Which names an expression uses, and which of them cannot be there: checked before any event is seen, with the
 * name that was probably meant. Types are for CEL's own checker.
 */
import type { SecretPath } from '../../envelope/secret-path.ts'
import { isBuiltIn, type Node } from './cel.ts'
import type { ExpressionProblem, Names } from './names.ts'
import { literalIndex } from './path.ts'
import { whyUnsafe } from './pattern.ts'
import { type Link, named } from './secret.ts'
import {
  authFields,
  badPattern,
  bareError,
  bareEvent,
  bareSteps,
  eventFields,
  nobodyAsked,
  noCredentials,
  reservedKey,
  secretNamed,
  shadowed,
  signalFields,
  unknownField,
  unknownVariable,
} from './wrong-name.ts'
import { type Spot, wrongOutput, wrongStep } from './wrong-step.ts'

export interface References {
  readonly problems: readonly ExpressionProblem[]
  /** Ids of the steps whose output is read. */
  readonly steps: readonly string[]
  /** Of `Names.others`, those that are read. */
  readonly others: readonly string[]
  /** It reads who was authenticated: what it says of its values is not for those who read errors. */
  readonly auth: boolean
  /** Secret fields of the event that it names. */
  readonly secrets: readonly SecretPath[]
}

export function references(tree: Node, names: Names): References {
  const walk: Walk = { names, problems: [], steps: new Set(), others: new Set(), fields: new Set(), secrets: new Set() }
  visit(tree, new Set(), walk)
  const { problems, steps, others, fields, secrets } = walk
  return { problems, steps: [...steps], others: [...others], auth: fields.has('auth'), secrets: [...secrets] }
}

interface Walk {
  readonly names: Names
  readonly problems: ExpressionProblem[]
  readonly steps: Set<string>
  readonly others: Set<string>
  /** Of the event. */
  readonly fields: Set<string>
  readonly secrets: Set<SecretPath>
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
  if (name === 'event' || isSignal(name, walk)) walk.problems.push(bareEvent(name, offset))
  else if (walk.names.others.includes(name)) walk.others.add(name)
  else if (name === 'steps') walk.problems.push(bareSteps(offset, walk.names))
  else if (name === 'error') walk.problems.push(bareError(offset, walk.names, bound))
  else if (!isBuiltIn(name)) walk.problems.push(unknownVariable(name, offset, bound, walk.names))
}

function isSignal(name: string, { names }: Walk): boolean {
  return name === 'signal' && names.others.includes(name)
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
  else if (isSignal(root.args, walk)) checkSignal(links, walk)
  else if (root.args === 'error' && walk.names.error) checkError(links, walk)
  else visit(root, bound, walk)
}

function isAccess(node: Node): node is Access {
  return node.op === '.' || node.op === '.?' || node.op === '[]' || node.op === '[?]'
}

function linkOf(access: Access): Link {
  const index = access.args[1]
  if (typeof index === 'string') return { name: index, offset: access.pos }
  const name = literalIndex(index)
  return { name: typeof name === 'string' ? name : null, offset: index.start }
}

function checkSignal(links: Link[], walk: Walk): void {
  const [field] = links
  refuseNamed('signal', links, walk.names.secrets?.signal ?? [], walk)
  if (field!.name === null) walk.problems.push(bareEvent('signal', field!.offset))
  else if (signalFields.includes(field!.name)) walk.others.add('signal')
  else walk.problems.push(unknownField('signal', field!.name, field!.offset))
}

function checkEvent(links: Link[], walk: Walk): void {
  const [field, inner] = links
  const secrets = walk.names.secrets?.event ?? []
  if (!walk.names.isGiven) refuseNamed('event', links, secrets, walk)
  else for (const path of named(links, secrets)) walk.secrets.add(path)
  if (field!.name === null) walk.problems.push(bareEvent('event', field!.offset))
  else if (field!.name === 'auth') checkAuth(field!, inner, walk)
  else if (eventFields.includes(field!.name)) walk.fields.add(field!.name)
  else walk.problems.push(unknownField('event', field!.name, field!.offset))
}

/** A text of an earlier version, which was checked then, may read what is not there any more. */
function checkAuth(field: Spot, inner: Spot | undefined, walk: Walk): void {
  const { auth } = walk.names
  const isKnown = inner?.name === undefined || inner.name === null || authFields.includes(inner.name)
  walk.fields.add('auth')
  if (auth === 'unchecked') return
  if (!isKnown) walk.problems.push(noCredentials(inner.name!, inner.offset))
  else if (auth === 'nobody') walk.problems.push(nobodyAsked(field.offset))
}

/** Where it is not for a function's input. */
function refuseNamed(root: string, links: readonly Link[], secrets: readonly SecretPath[], walk: Walk): void {
  const [path] = named(links, secrets)
  if (path) walk.problems.push(secretNamed(root, path.text, links[0]!.offset))
}

const errorFields = ['code', 'message']

function checkError([field]: Spot[], walk: Walk): void {
  if (field!.name === null || !errorFields.includes(field!.name)) {
    walk.problems.push(bareError(field!.offset, walk.names, new Set()))
  }
}

function checkSteps(links: Link[], walk: Walk): void {
  const [step, output, ...inside] = links
  const taken = step!.name === null ? [] : (walk.names.secrets?.taken(step!.name) ?? [])
  if (inside.length > 0) refuseNamed(`steps.${step!.name}.output`, inside, taken, walk)
  const problem = wrongSteps(step!, output, walk.names)
  if (problem) walk.problems.push(problem)
  else walk.steps.add(step!.name!)
}

function wrongSteps(step: Spot, output: Spot | undefined, names: Names): ExpressionProblem | null {
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
  if (['event', 'steps', 'error', ...walk.names.others].includes(variable)) {
    walk.problems.push(shadowed(variable, args[0]!.start, walk.names))
  }
  const outside = binds ? 2 : 1
  visitAll(args.slice(1, outside), bound, walk)
  visitAll(args.slice(outside), new Set(bound).add(variable), walk)
}

function checkPattern([pattern]: readonly Node[], walk: Walk): void {
  const literal = pattern?.op === 'value' && typeof pattern.args === 'string'
  const why = literal ? whyUnsafe(pattern.args as string) : 'is computed'
  if (!pattern || why === null) return
  walk.problems.push(badPattern(why, pattern.start))
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
