/** What went wrong, said to a person, and the exit code that tells a script. */
import { CommanderError } from 'commander'
import { EngineError } from '../base/error.ts'

/** Something was wrong with the world, or with the files that were checked. */
const failure = 1
/** The command or its settings were wrong: nothing was tried. */
const misuse = 2

/** Already told in full; only the exit code is left. */
export class Told extends Error {
  readonly exitCode: number

  constructor(exitCode: number = failure) {
    super('told already')
    this.exitCode = exitCode
  }
}

/** Prints the error unless that was done, and answers with the exit code. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Told) return error.exitCode
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : misuse
  if (error instanceof EngineError) return tell(error)
  const stack = error instanceof Error ? error.stack : String(error)
  process.stderr.write(`error: this is a bug of millrace; please report it with these lines\n${stack}\n`)
  return failure
}

function tell(error: EngineError): number {
  const [first, ...more] = error.message.trimEnd().split('\n')
  process.stderr.write([`error: ${first} (${error.code})`, ...more, ''].join('\n'))
  return misuses.has(error.code) ? misuse : failure
}

const misuses = new Set(['config_invalid', 'usage', 'where_invalid', 'edit_invalid'])

export function usage(message: string): EngineError {
  return new EngineError('usage', message)
}
