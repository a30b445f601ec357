/**
 * The CEL library behind one door: with `value.ts`, the only module that knows it. It gives a tree to look at, a type
 * known before any event, and an evaluation. The rest of the room speaks of sources, scopes and JSON.
 */
import { type ASTNode, Environment, EvaluationError, ParseError, TypeError as TypeMistake } from '@marcbachmann/cel-js'
import type { Json } from '../../envelope/json.ts'
import { limits } from '../limits.ts'
import type { Scope } from '../plan.ts'
import { stepOf } from './path.ts'
import { durationText, fromCel, timestampText, toCel, toTimestamp } from './value.ts'

export type Node = ASTNode

/** An expression that is well-formed; whether its names exist is for `references.ts`. */
export interface Parsed {
  readonly tree: Node
  /** The CEL type of the result as far as it is known without data: `bool`, `dyn`, `list`, … */
  check(): { type: string } | CelMistake
  /** Throws `CelMistake`. What is not named as used is not converted. */
  evaluate(scope: Scope, used: Used): Json
}

export interface Used {
  /** Ids of steps. */
  readonly steps: readonly string[]
  /** Of `Names.others`. */
  readonly others: readonly string[]
}

/** What the library found wrong, in its own words, at an offset into the expression. */
export class CelMistake extends Error {
  readonly code: string
  readonly offset: number
  /** The part of the expression that failed, where it is known. */
  readonly tree: Node | null

  constructor(code: string, message: string, offset: number, tree: Node | null) {
    super(message)
    this.code = code
    this.offset = offset
    this.tree = tree
  }
}

/** Throws `CelMistake` for what is no CEL. */
export function parseCel(source: string): Parsed {
  const parsed = mistaken(() => environment.parse(source))
  return {
    tree: parsed.ast,
    check() {
      const { valid, type, error } = parsed.check()
      return valid ? { type: type! } : asMistake(error)
    },
    evaluate: (scope, used) => mistaken(() => fromCel(parsed(contextOf(scope, used)))),
  }
}

/** Names that exist without a declaration of ours: types, `optional`, `cel`, `google`. */
export function isBuiltIn(name: string): boolean {
  return environment.hasVariable(name) && !declared.includes(name)
}

const declared = ['event', 'steps', 'error', 'signal']

/** True when CEL takes it for a name: no word of its own (`as`, `for`, `true`), no type. */
export function isName(name: string): boolean {
  try {
    return environment.parse(name).ast.op === 'id' && !isBuiltIn(name)
  } catch {
    return false
  }
}

/** Names of functions and methods, for hints. */
export function functionNames(): ReadonlySet<string> {
  names ??= new Set(environment.getDefinitions().functions.map((each) => each.name))
  return names
}

let names: ReadonlySet<string> | undefined

/** The envelope in CEL's types. Fields are converted when an expression asks for them, never all of it. */
class EventView {
  readonly #event: Scope['event']
  constructor(event: Scope['event']) {
    this.#event = event
  }
  get id() {
    return this.#event.id
  }
  get type() {
    return this.#event.type
  }
  get source() {
    return this.#event.source
  }
  get time() {
    return toTimestamp(this.#event.time)
  }
  get key() {
    return this.#event.key
  }
  get data() {
    return toCel(this.#event.data)
  }
  get meta() {
    return new Map(Object.entries(this.#event.meta))
  }
  get http() {
    return toCel((this.#event.http ?? null) as Json)
  }
  get auth() {
    return toCel(this.#event.auth as unknown as Json)
  }
}

class StepView {
  readonly #output: Json
  constructor(output: Json) {
    this.#output = output
  }
  get output() {
    return toCel(this.#output)
  }
}

/** The event that a wait may take, like `event`. */
class SignalView {
  readonly #signal: { readonly [name: string]: Json }
  constructor(signal: Json) {
    this.#signal = signal as { readonly [name: string]: Json }
  }
  get id() {
    return this.#signal.id
  }
  get type() {
    return this.#signal.type
  }
  get source() {
    return this.#signal.source
  }
  get time() {
    return toTimestamp(String(this.#signal.time), 'signal')
  }
  get key() {
    return this.#signal.key
  }
  get data() {
    return toCel(this.#signal.data as Json)
  }
}

/** Why a transaction failed. */
class ErrorView {
  readonly code: string
  readonly message: string
  constructor({ code, message }: { readonly code: string; readonly message: string }) {
    this.code = code
    this.message = message
  }
}

/** `dyn` where null or any JSON may stand; the others are checked before any event is seen. */
const eventFields = {
  id: 'string',
  type: 'dyn',
  source: 'dyn',
  time: 'google.protobuf.Timestamp',
  key: 'dyn',
  data: 'dyn',
  meta: 'map<string, string>',
  http: 'dyn',
  auth: 'dyn',
}

const signalFields = {
  id: 'string',
  type: 'dyn',
  source: 'dyn',
  time: 'google.protobuf.Timestamp',
  key: 'dyn',
  data: 'dyn',
}

/** Names that are not listed are those of items: `references.ts` has refused all others. */
const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: limits.expressionNodesMax, maxDepth: 64 },
})
  .registerType('Event', { ctor: EventView, fields: eventFields })
  .registerType('Step', { ctor: StepView, fields: { output: 'dyn' } })
  .registerType('Signal', { ctor: SignalView, fields: signalFields })
  .registerType('Failure', { ctor: ErrorView, fields: { code: 'string', message: 'string' } })
  .registerVariable('event', 'Event')
  .registerVariable('error', 'Failure')
  .registerVariable('signal', 'Signal')
  .registerVariable('steps', 'map<string, Step>')
  .registerFunction('string(google.protobuf.Timestamp): string', timestampText)
  .registerFunction('string(google.protobuf.Duration): string', durationText)

function contextOf(scope: Scope, { steps, others }: Used): Record<string, unknown> {
  const views = new Map<string, StepView>()
  for (const id of steps) {
    const step = stepOf(scope, id)
    if (step) views.set(id, new StepView(step.output))
  }
  const context: Record<string, unknown> = { event: new EventView(scope.event), steps: views }
  if (scope.error) context.error = new ErrorView(scope.error)
  const names = others.length > 0 ? scope.names : undefined
  for (const name of others) context[name] = celOf(name, names?.[name])
  return context
}

function celOf(name: string, value: Json | undefined): unknown {
  if (value === undefined) return undefined
  return name === 'signal' ? new SignalView(value) : toCel(value)
}

function mistaken<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw asMistake(error)
  }
}

function asMistake(error: unknown): CelMistake {
  if (error instanceof ParseError || error instanceof EvaluationError || error instanceof TypeMistake) {
    const tree = error.node && 'op' in error.node ? (error.node as Node) : null
    return new CelMistake(error.code, error.summary, error.range?.start ?? 0, tree)
  }
  if (error instanceof RangeError && /call stack/.test(error.message)) {
    return new CelMistake('too_deep', 'the expression or a value in it is nested too deep', 0, null)
  }
  return new CelMistake('evaluation_error', error instanceof Error ? error.message : String(error), 0, null)
}
