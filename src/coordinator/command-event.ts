/** An operator's word, as the event it is for the transaction it is about. */
import { EngineError, messageOf } from '../base/error.ts'
import { isStorable, type Json, parseJson, stringifyJson } from '../envelope/json.ts'
import type { StepResolved, TransactionEvent } from '../transaction/event.ts'
import type { Command } from './ports.ts'

/** Throws `EngineError` `command_invalid` with what is wrong in its arguments. */
export function eventOf(command: Command, atUs: number): TransactionEvent {
  const by = command.why === null ? command.askedBy : `${command.askedBy}: ${command.why}`
  switch (command.kind) {
    case 'cancel':
      return { type: 'CancelAsked', atUs, by }
    case 'compensate':
      return { type: 'UndoAsked', atUs, by }
    case 'retry':
      return { type: 'RetryAsked', atUs, ...again(command), by }
    default:
      return resolution(command, atUs, by)
  }
}

function again(command: Command): { readonly from: string | null; readonly input: string | null } {
  const { from = null, input } = parsed(command.args) as Record<string, never>
  if (from !== null && typeof from !== 'string') throw invalid('from: expected the id of a step')
  return { from, input: input === undefined ? null : storable(input, 'input') }
}

function resolution(command: Command, atUs: number, by: string): StepResolved {
  const { step, outcome, output = null } = parsed(command.args) as Record<string, never>
  if (typeof step !== 'string') throw invalid('step: expected the id of a step')
  if (outcome !== 'ok' && outcome !== 'fail') throw invalid('outcome: expected ok or fail')
  const text = outcome === 'ok' ? storable(output, 'output') : null
  return { type: 'StepResolved', atUs, step, outcome, output: text, by }
}

function storable(value: Json, name: string): string {
  const text = stringifyJson(value)
  if (isStorable(text)) return text
  throw invalid(`${name}: holds a NUL, half a character or nests too deep`)
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
