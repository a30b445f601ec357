/** What cannot be asked of a transaction as it stands. */
import { EngineError } from '../base/error.ts'

export function wrongState(message: string): EngineError {
  return new EngineError('wrong_state', message)
}

const final = ['completed', 'compensated', 'cancelled', 'failed']

export function isFinal(state: string): boolean {
  return final.includes(state)
}
