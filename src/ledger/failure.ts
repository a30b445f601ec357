/**
 * What a failed statement means. Codes of the errors:
 * `ledger_outage` (retryable): Postgres is away, full, read-only, out of connections, shutting down; nothing is burnt.
 * `ledger_conflict` (retryable): serialization failure or deadlock; the same again.
 * `ledger_refused`: a value that Postgres will not take; its neighbours must go on without it.
 * `ledger_broken`: the schema or its rights are not what this engine needs; a person must look.
 * `details.ambiguous` is true when the statement may have been carried out all the same; `details.noRoom` when there is no
 * partition for a row, which is no fault of the row: make it (room/make.ts), and repeat. `details.charge` is the key of what
 * was charged before; what Postgres says of that is put in plain words.
 */
import { EngineError, messageOf } from '../base/error.ts'
import type { TlsFiles } from '../base/tls.ts'
import { tlsTrouble } from '../base/tls-trouble.ts'

/** `tls`: the files that were used, which may be what is wrong. */
export function ledgerError(error: unknown, address: string, tls: TlsFiles = {}): EngineError {
  if (error instanceof EngineError) return error
  const state = sqlState(error)
  const noRoom = lacksPartition(error, state)
  const code = noRoom ? 'ledger_outage' : codeOf(state)
  const charge = chargedBefore(error)
  const cause =
    charge === null ? error : new Error(`charge ${JSON.stringify(charge)} was made before`, { cause: error })
  return new EngineError(code, `Postgres at ${address}: ${wayTrouble(error, state, tls) ?? messageOf(cause)}`, {
    retryable: code === 'ledger_outage' || code === 'ledger_conflict',
    cause,
    details: { sqlState: state, ambiguous: mayHaveLanded(state), noRoom, ...(charge === null ? {} : { charge }) },
  })
}

/** What is wrong with the way to the server, and where that is set. */
function wayTrouble(error: unknown, state: string | null, { cert }: TlsFiles): string | null {
  const message = messageOf(error)
  if (state === '28P01') return `${message}: are the user and the password in DATABASE_URL right?`
  if (state === '28000') return `${message}: ${accessHint(message)}`
  if (state === '3D000') return `${message}: is its name in DATABASE_URL right?`
  if (state !== null) return null
  if (message === 'The server does not support SSL connections')
    return 'it does not speak TLS, which sslmode in DATABASE_URL asks for'
  const own = 'sslcert and sslkey of DATABASE_URL'
  return tlsTrouble(error, { ca: 'sslrootcert of DATABASE_URL', own, cert: cert?.readOrNone() })
}

/** In a server that speaks another language the hint is the second one, which is true of both. */
function accessHint(message: string): string {
  if (message.includes('client certificate')) return 'set sslcert and sslkey in DATABASE_URL'
  if (message.includes('certificate auth')) return 'sslcert of DATABASE_URL is the certificate of another user'
  return 'is sslmode in DATABASE_URL what the server wants of this user (pg_hba.conf)?'
}

/** Its detail reads `Key (engine_id, charge_key)=(1, order-7) already exists.`, in the server's language. */
function chargedBefore(error: unknown): string | null {
  const { constraint, detail } = (error ?? {}) as { constraint?: unknown; detail?: unknown }
  if (constraint !== 'charge_made_once') return null
  return /=\(\d+, (.*)\)/s.exec(String(detail))?.[1] ?? ''
}

function sqlState(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null
}

function codeOf(state: string | null): string {
  if (state === null) return 'ledger_outage'
  const family = state.slice(0, 2)
  if (family === '22' || family === '23' || family === '54') return 'ledger_refused'
  if (family === '40') return 'ledger_conflict'
  if (family === '42' || family === '3F') return 'ledger_broken'
  return 'ledger_outage'
}

/** A CHECK that fails has the same state, and names its constraint. */
function lacksPartition(error: unknown, state: string | null): boolean {
  return state === '23514' && !(error as { constraint?: unknown }).constraint
}

/** No answer at all, or the server ended the session around it: nobody knows. */
function mayHaveLanded(state: string | null): boolean {
  return state === null || state.startsWith('08') || state.startsWith('57P') || state === '40003'
}
