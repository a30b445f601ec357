/** Secrets as ways to authenticate see them: by name, and parsed once for each text. */
import { EngineError } from '../base/error.ts'

export interface Secret {
  readonly name: string
  readonly text: string
}

export interface Secrets {
  /** The same object for as long as the text is the same. Throws `EngineError` `secret_missing`, retryable: it may come. */
  get(name: string): Secret
}

/** What is made of a secret's text is made once. */
export function parsedBy<T>(parse: (secret: Secret) => T): (secret: Secret) => T {
  const known = new WeakMap<Secret, { readonly value: T }>()
  return (secret) => {
    const before = known.get(secret)
    if (before) return before.value
    const value = parse(secret)
    known.set(secret, { value })
    return value
  }
}

/** Retryable: whoever wrote it so will mend it, and what came meanwhile was not refused by anybody. */
export function secretInvalid({ name }: Secret, why: string): EngineError {
  return new EngineError('secret_invalid', `the secret ${name}: ${why}`, {
    retryable: true,
    details: { service: 'secret', address: name },
  })
}
