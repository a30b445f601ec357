/**
 * Secrets by name: an environment variable `MILLRACE_SECRET_<NAME>`, else a file of the secrets' folder, which is read again when it
 * has changed. What is in them is never printed: errors name the secret and the line, no more.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Secret, Secrets } from './auth/secret.ts'
import { EngineError, messageOf } from './base/error.ts'
import { secretPrefix, secretVariable } from './base/secret.ts'

export interface SecretsPlace {
  /** Null: there is no folder. */
  readonly dir: string | null
  readonly env: NodeJS.ProcessEnv
  /** A file is looked at again after so long. */
  readonly lookAgainMs?: number
}

export function createSecrets({ dir, env, lookAgainMs = 1000 }: SecretsPlace): Secrets {
  const known = new Map<string, Known>()
  return {
    get(name) {
      const inEnv = secretVariable(env, variableOf(name))
      if (inEnv !== undefined) return rememberText(known, name, inEnv)
      if (dir === null) throw missing(name, null)
      const before = known.get(name)
      const nowMs = performance.now()
      if (before && nowMs - before.lookedMs < lookAgainMs) return before.secret
      const seen = look(name, dir, before, nowMs)
      known.set(name, seen)
      return seen.secret
    },
  }
}

interface Known {
  readonly secret: Secret
  readonly lookedMs: number
  /** What tells that the file is another one by now. */
  readonly mark: string
}

function look(name: string, dir: string, before: Known | undefined, nowMs: number): Known {
  const file = join(dir, name)
  try {
    const { mtimeMs, size, ino } = statSync(file)
    const mark = `${ino}/${mtimeMs}/${size}`
    if (before?.mark === mark) return { ...before, lookedMs: nowMs }
    if (size > bytesMax) throw new Error(`it has ${size} bytes, at most ${bytesMax} are read`)
    return { secret: secretOf(name, readFileSync(file, 'utf8')), lookedMs: nowMs, mark }
  } catch (cause) {
    throw missing(name, cause)
  }
}

/** What is parsed of a secret hangs on it, so that it is one object for as long as its text is the same. */
function rememberText(known: Map<string, Known>, name: string, text: string): Secret {
  const before = known.get(name)
  const mark = `text ${text}`
  if (before?.mark === mark) return before.secret
  const secret = secretOf(name, text)
  known.set(name, { secret, lookedMs: 0, mark })
  return secret
}

function secretOf(name: string, text: string): Secret {
  return { name, text: text.replace(/\r?\n$/, '') }
}

function variableOf(name: string): string {
  return `${secretPrefix}${name.toUpperCase()}`
}

/** It may come at any time, so what needs it waits. */
function missing(name: string, cause: unknown): EngineError {
  const why = cause === null ? 'there is no folder of secrets (MILLRACE_SECRETS_DIR)' : messageOf(cause)
  const message = `the secret ${name} is not there: set ${variableOf(name)}, or write the file ${name} (${why})`
  return new EngineError('secret_missing', message, {
    retryable: true,
    cause,
    details: { service: 'secret', address: name },
  })
}

const bytesMax = 4 * 1024 * 1024
