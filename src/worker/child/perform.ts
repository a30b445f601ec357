/**
 * One attempt: input in, function run, output out. Every way it can end is a verdict; nothing is thrown from here. What makes
 * no promise is waited for with none: they cost more than all the rest of a small attempt.
 */
import { crashPoint } from '../../base/crash-point.ts'
import { isStorable, type Json, parseJson, stringifyJson } from '../../envelope/json.ts'
import type { FunctionDefinition } from '../../function/define.ts'
import { isFailure } from '../../function/outcome.ts'
import { authenticationStep } from '../wire.ts'
import type { Attempt } from './attempt.ts'
import { type Checked, check } from './check.ts'
import { Args } from './context.ts'
import { answeredNothing, failed, gaveUp, saidSo, succeeded, threw, type Verdict } from './verdict.ts'

export function perform(
  definition: FunctionDefinition,
  attempt: Attempt,
  inputText: string,
): Verdict | Promise<Verdict> {
  const misplaced = isMisplaced(definition, attempt)
  if (misplaced !== null) return misplaced
  try {
    const input = check(definition.input, parseJson(inputText))
    if (!(input instanceof Promise)) return call(definition, attempt, input)
    return input.then((input) => call(definition, attempt, input)).catch((thrown) => uncalled(thrown, attempt))
  } catch (thrown) {
    return uncalled(thrown, attempt)
  }
}

/** Its input could not even be looked at. */
function uncalled(thrown: unknown, attempt: Attempt): Verdict {
  return { ...verdictOf(thrown, attempt), effectUnknown: false }
}

function call(definition: FunctionDefinition, attempt: Attempt, input: Checked): Verdict | Promise<Verdict> {
  if ('problem' in input) return failed('fail', 'invalid_input', input.problem)
  try {
    crashPoint('worker.before-call')
    // Without a pause since its start: a signal that is aborted right after it finds the function listening.
    const returned = definition.run(new Args(input.value, attempt) as never)
    if (!isThenable(returned)) return judge(definition, attempt, returned)
    return Promise.resolve(returned).then(
      (value) => judge(definition, attempt, value),
      (thrown) => verdictOf(thrown, attempt),
    )
  } catch (thrown) {
    return verdictOf(thrown, attempt)
  }
}

/** As `await` tells them. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false
  return typeof (value as { readonly then?: unknown }).then === 'function'
}

/** Of what the function returned. */
function judge(definition: FunctionDefinition, attempt: Attempt, returned: unknown): Verdict | Promise<Verdict> {
  try {
    crashPoint('worker.after-call')
    if (isFailure(returned)) return saidSo(returned)
    const output = check(definition.output, returned)
    const { outputBytesMax } = attempt.around.settings
    if (!(output instanceof Promise)) return answered(output, outputBytesMax)
    return output.then((output) => answered(output, outputBytesMax)).catch((thrown) => verdictOf(thrown, attempt))
  } catch (thrown) {
    return verdictOf(thrown, attempt)
  }
}

function verdictOf(thrown: unknown, { stopped }: Attempt): Verdict {
  return stopped === 'late' ? gaveUp(thrown) : threw(thrown)
}

/** Credentials are for functions that say they authenticate; what these say of somebody is for no step. */
function isMisplaced({ authenticates = false }: FunctionDefinition, attempt: Attempt): Verdict | null {
  const asked = attempt.mayName(authenticationStep) && attempt.call[5] === authenticationStep
  if (authenticates === asked) return null
  if (asked) return failed('fail', 'not_an_authenticator', 'the function does not say `authenticates: true`')
  return failed('fail', 'authenticator', 'the function authenticates events: it is for `auth`, not for a step')
}

function answered(output: Checked, bytesMax: number): Verdict {
  if ('problem' in output) return answeredNothing('invalid_output', output.problem)
  return written(output.value, bytesMax)
}

function written(value: unknown, bytesMax: number): Verdict {
  const text = textOf(value)
  if (typeof text !== 'string') return answeredNothing('output_not_serialisable', text.problem)
  if (text.length > bytesMax / 3 && Buffer.byteLength(text) > bytesMax) {
    const bytes = Buffer.byteLength(text)
    return answeredNothing('output_too_large', `the output has ${bytes} bytes as JSON, ${bytesMax} are allowed`)
  }
  if (isStorable(text)) return succeeded(text)
  return answeredNothing('output_unstorable', 'the output has a NUL character or half of a surrogate pair in a text')
}

function textOf(value: unknown): string | { problem: string } {
  try {
    const text: string | undefined = value === undefined ? 'null' : stringifyJson(value as Json)
    return text ?? { problem: `a ${typeof value} cannot be written as JSON` }
  } catch (error) {
    return { problem: `the output cannot be written as JSON: ${String(error).split('\n')[0]}` }
  }
}
