/** An operator's word on a step in doubt, as the event it is. */
import { EngineError, messageOf } from '../base/error.ts'
import { isStorable, parseJson, stringifyJson } from '../envelope/json.ts'
import type { StepResolved } from '../transaction/event.ts'
import type { Command } from './ports.ts'

/** Throws `EngineError` `command_invalid` with what is wrong in its arguments. */
export function resolution(command: Command, atUs: number): StepResolved {
  const args = parsed(command.args)
  const { step, outcome, output = null } = args as Record<string, never>
  if (typeof step !== 'string') throw invalid('step: expected the id of a step')
  if (outcome !== 'ok' && outcome !== 'fail') throw invalid('outcome: expected ok or fail')
  const text = outcome === 'ok' ? stringifyJson(output) : null
  if (text !== null && !isStorable(text)) throw invalid('output: holds a NUL, half a character or nests too deep')
  const by = command.why === null ? command.askedBy : `${command.askedBy}: ${command.why}`
  return { type: 'StepResolved', atUs, step, outcome, output: text, by }
}

function parsed(text: string): object {
  try {
    const value = parseJson(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (cause) {
    throw invalid(`its arguments are no JSON: ${messageOf(cause)}`)
  }
  throw invalid('its arguments are no JSON object')
}

function invalid(message: string): EngineError {
  return new EngineError('command_invalid', message)
}
