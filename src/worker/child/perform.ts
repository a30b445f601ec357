/** One attempt: input in, function run, output out. Every way it can end is a verdict; nothing is thrown from here. */
import { crashPoint } from '../../base/crash-point.ts'
import { isStorable, type Json, parseJson, stringifyJson } from '../../envelope/json.ts'
import type { Context, FunctionDefinition } from '../../function/define.ts'
import { isFailure } from '../../function/outcome.ts'
import { authenticationStep } from '../wire.ts'
import { check } from './check.ts'
import { answeredNothing, failed, gaveUp, saidSo, succeeded, threw, type Verdict } from './verdict.ts'

export async function perform(
  definition: FunctionDefinition,
  context: Context,
  inputText: string,
  outputBytesMax: number,
  isLate: () => boolean,
): Promise<Verdict> {
  const misplaced = isMisplaced(definition, context)
  if (misplaced !== null) return misplaced
  let called = false
  try {
    // Without a pause where there is none to make: a signal aborted right after the start finds the function listening.
    const checked = check(definition.input, parseJson(inputText))
    const input = checked instanceof Promise ? await checked : checked
    if ('problem' in input) return failed('fail', 'invalid_input', input.problem)
    called = true
    crashPoint('worker.before-call')
    const returned = await definition.run({ input: input.value, context })
    crashPoint('worker.after-call')
    if (isFailure(returned)) return saidSo(returned)
    const output = await check(definition.output, returned)
    if ('problem' in output) return answeredNothing('invalid_output', output.problem)
    return written(output.value, outputBytesMax)
  } catch (thrown) {
    const verdict = isLate() && !isFailure(thrown) ? gaveUp(thrown) : threw(thrown)
    return called ? verdict : { ...verdict, effectUnknown: false }
  }
}

/** Credentials are for functions that say they authenticate; what these say of somebody is for no step. */
function isMisplaced({ authenticates = false }: FunctionDefinition, { step }: Context): Verdict | null {
  const asked = step === authenticationStep
  if (authenticates === asked) return null
  if (asked) return failed('fail', 'not_an_authenticator', 'the function does not say `authenticates: true`')
  return failed('fail', 'authenticator', 'the function authenticates events: it is for `auth`, not for a step')
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
