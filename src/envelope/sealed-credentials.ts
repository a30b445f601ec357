/**
 * Headers with credentials as a dead letter keeps them: sealed, with the time at which they were sent, since a token or a signature holds
 * for a while and is looked at again when the letter is redriven.
 */
import { rawHeaders, type StoredHeaders, storedHeaders } from './headers.ts'
import type { RawHeader } from './record.ts'
import type { Sealer } from './seal.ts'

export interface Credentials {
  readonly headers: readonly RawHeader[]
  /** Null: they were kept by a coordinator that kept no time. */
  readonly sentUs: number | null
}

/** Null: there are none. */
export function sealCredentials(headers: readonly RawHeader[], sentUs: number, sealer: Sealer): Buffer | null {
  if (headers.length === 0) return null
  return sealer.seal({ ...storedHeaders(headers), [sentField]: String(sentUs) })
}

/** Throws `EngineError` `seal_broken`. */
export function openCredentials(sealed: Buffer, sealer: Sealer): Credentials {
  const { [sentField]: sent, ...headers } = sealer.open<StoredHeaders>(sealed)
  return { headers: rawHeaders(headers), sentUs: typeof sent === 'string' ? Number(sent) : null }
}

/** No header can have this name. */
const sentField = 'sent at'
