/** Events as ways to authenticate see them, and secrets that a test gives. */
import type { AuthRequest } from '../../src/auth/request.ts'
import type { Secret, Secrets } from '../../src/auth/secret.ts'
import { EngineError } from '../../src/base/error.ts'

export const atUs = Date.parse('2026-05-01T10:00:00Z') * 1000
export const atS = atUs / 1_000_000

type Values = string | Buffer | readonly (string | Buffer)[]

/** Of a record of Kafka, unless `http` says more. */
export function requestWith(headers: Record<string, Values>, more: Partial<AuthRequest> = {}): AuthRequest {
  const all = Object.entries(headers).map(([name, value]): [string, Buffer[]] => {
    const values = typeof value === 'string' || Buffer.isBuffer(value) ? [value] : [...value]
    return [name, values.map((each) => Buffer.from(each as string))]
  })
  return { headers: new Map(all), body: Buffer.from('{"n":1}'), atUs, http: null, ...more }
}

/** They can be changed while a test runs. */
export function secretsOf(texts: Record<string, string>): Secrets {
  const known = new Map<string, Secret>()
  return {
    get(name) {
      const text = texts[name]
      if (text === undefined) throw new EngineError('secret_missing', `no ${name}`, { retryable: true })
      const before = known.get(name)
      if (before?.text === text) return before
      const secret = { name, text }
      known.set(name, secret)
      return secret
    },
  }
}
