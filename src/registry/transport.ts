/**
 * HTTP to the registry, in place of the library's own: that one has no end when a connection breaks within an answer, no limit to what it
 * reads, and takes an address that is no registry for one that lacks the schema.
 */
import { askHttp } from '../base/ask-http.ts'
import { EngineError, messageOf } from '../base/error.ts'
import type { TlsFiles } from '../base/tls.ts'
import { tlsTrouble } from '../base/tls-trouble.ts'

export interface TransportOptions {
  /** Where its API begins, such as `http://registry:8081` or `https://host/apis/ccompat/v7`. */
  readonly url: string
  readonly user: string | null
  readonly password: string | null
  readonly tls: TlsFiles
  /** One answer takes no longer, in milliseconds. */
  readonly answerMsMax: number
}

/** A schema is some kilobytes; what is larger is none. */
const answerBytesMax = 8 * 1024 * 1024

/**
 * Answers with the JSON of a GET. Throws `EngineError`: `registry_missing_entry` where a registry says that it has none of it,
 * else `registry_outage` (retryable): also for what only people can mend, such as a wrong password, for no record is to blame.
 */
export async function get(url: string, options: TransportOptions): Promise<unknown> {
  const { tls, answerMsMax } = options
  const question = { url, headers: headersOf(options), tls, answerMsMax, answerBytesMax }
  const { status, body: said } = await askHttp(question).catch((cause) => {
    throw away(options, tlsReason(cause, options) ?? reasonOf(cause), cause)
  })
  const body = parsed(said.toString('utf8'))
  if (status === 200 && body !== null) return body
  if (status === 404 && missing.has(Number(body?.error_code))) {
    throw new EngineError('registry_missing_entry', String(body?.message ?? 'there is none'))
  }
  throw away(options, refusalOf(status, body))
}

/** Schema, version, subject: https://docs.confluent.io/platform/current/schema-registry/develop/api.html#errors. */
const missing: ReadonlySet<number> = new Set([40401, 40402, 40403])

function headersOf({ user, password }: TransportOptions): Record<string, string> {
  const accept = 'application/vnd.schemaregistry.v1+json, application/json'
  if (user === null) return { accept }
  return { accept, authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` }
}

interface Body {
  readonly error_code?: unknown
  readonly message?: unknown
}

/** Null: it is no JSON object. */
function parsed(text: string): Body | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null
  }
}

function reasonOf(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error
  return messageOf(inner)
}

function tlsReason(error: unknown, { tls }: TransportOptions): string | null {
  const own = 'SCHEMA_REGISTRY_TLS_CERT_FILE and SCHEMA_REGISTRY_TLS_KEY_FILE'
  return tlsTrouble(error, { ca: 'SCHEMA_REGISTRY_TLS_CA_FILE', own, cert: tls.cert?.readOrNone() })
}

function refusalOf(status: number, body: Body | null): string {
  if (status === 401 || status === 403) {
    return `it refuses this user (${status}): look at registry.user and registry.password`
  }
  if (status === 404 || body === null) {
    return `what answers there (${status}) is no schema registry: look at registry.url`
  }
  return `it answers ${status}${body.message === undefined ? '' : `: ${String(body.message).slice(0, 200)}`}`
}

function away({ url }: TransportOptions, reason: string, cause?: unknown): EngineError {
  const address = shownAddress(url)
  const options = {
    retryable: true,
    details: { service: 'registry', address },
    ...(cause === undefined ? {} : { cause }),
  }
  return new EngineError('registry_outage', `the schema registry at ${address}: ${reason}`, options)
}

/** Without a password that somebody may have put there. */
export function shownAddress(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname.replace(/\/$/, '')}`
}
