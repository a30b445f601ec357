/**
 * A secret from outside: in a variable, or in a file that the variable of the same name with `_FILE` names, as Docker and
 * Kubernetes hand them over. What came in a variable is taken out of this process's environment when it is read, so that
 * nothing we start inherits it, and no report of a crash has it.
 */
import { readFileSync } from 'node:fs'
import { EngineError, messageOf } from './error.ts'

/** A secret is some text; who names a file of a gigabyte has named another. */
const bytesMax = 64 * 1024

/** Of secrets that workflow files name: `MILLRACE_SECRET_<NAME>`. */
export const secretPrefix = 'MILLRACE_SECRET_'

const taken = new Map<string, string>()

/** Undefined: it is not set. Throws `EngineError` `config_invalid`, with the file's name and nothing of what is in it. */
export function secretFrom(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = secretVariable(env, name)
  const file = env[`${name}_FILE`]
  if (!file) return value
  if (value) throw invalid(`${name} and ${name}_FILE are both set: which is meant?`)
  return secretIn(file, `${name}_FILE`)
}

/** The variable alone. */
export function secretVariable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  if (env !== process.env) return env[name] || undefined
  take(name)
  return taken.get(name)
}

/** Takes those that workflow files name out of this process's environment: they are read later, or never. */
export function takeNamedSecrets(env: NodeJS.ProcessEnv): void {
  if (env !== process.env) return
  for (const name of Object.keys(env)) if (name.startsWith(secretPrefix)) take(name)
}

/** The text of the file without blanks and line ends around it. `setting` is for errors. */
export function secretIn(file: string, setting: string): string {
  const text = read(file, setting)
  if (text.length > bytesMax)
    throw invalid(`${setting}: ${file} is larger than ${bytesMax / 1024} KiB, too large for a secret`)
  const value = text.toString('utf8').trim()
  if (value === '') throw invalid(`${setting}: ${file} is empty`)
  return value
}

function read(file: string, setting: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw invalid(`${setting}: ${messageOf(cause)}`)
  }
}

function take(name: string): void {
  const value = process.env[name]
  if (value) taken.set(name, value)
  delete process.env[name]
}

function invalid(message: string): EngineError {
  return new EngineError('config_invalid', message)
}
