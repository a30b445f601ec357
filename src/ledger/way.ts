/**
 * How a connection to Postgres is made: its URL, with TLS as libpq reads it there
 * (https://www.postgresql.org/docs/current/libpq-ssl.html), which the client takes in another sense.
 */
import type { ConnectionOptions } from 'node:tls'
import type pg from 'pg'
import { EngineError } from '../base/error.ts'
import { type TlsFiles, tlsFiles, tlsOptions } from '../base/tls.ts'

export interface Way {
  readonly tls: TlsFiles
  /** For one connection: files are read each time, so that what was replaced is taken from then on. */
  config(): Pick<pg.ClientConfig, 'connectionString' | 'ssl'>
}

const modes = ['disable', 'require', 'verify-ca', 'verify-full'] as const
type Mode = (typeof modes)[number]

const ours = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat']

/** Throws `EngineError` `config_invalid`. */
export function wayTo(databaseUrl: string): Way {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : null
  const asked = Object.fromEntries(ours.map((name) => [name, url?.searchParams.get(name) ?? null]))
  const mode = modeOf(asked)
  if (url === null || mode === null) return { tls: {}, config: () => ({ connectionString: databaseUrl }) }
  const tls = mode === 'disable' ? {} : filesOf(asked)
  if (mode === 'verify-ca' && tls.ca === undefined)
    throw invalid('sslmode=verify-ca needs sslrootcert, the authority to believe')
  const direct = url.searchParams.get('sslnegotiation') === 'direct'
  for (const name of [...ours, 'sslnegotiation']) url.searchParams.delete(name)
  return {
    tls,
    config: () => ({
      connectionString: url.href,
      ssl: mode === 'disable' ? false : { ...checksOf(mode, tls), ...tlsOptions(tls) },
      ...(direct && { sslnegotiation: 'direct' }),
    }),
  }
}

/** Null: nothing is said of TLS. */
function modeOf(asked: Readonly<Record<string, string | null>>): Mode | null {
  const { ssl, sslmode } = asked
  if (sslmode === null || sslmode === undefined) {
    if (ssl === 'true' || ssl === '1') return 'verify-full'
    return asked.sslrootcert || asked.sslcert || asked.sslkey ? 'verify-full' : null
  }
  const mode = modes.find((each) => each === sslmode)
  if (mode !== undefined) return mode
  const neither = sslmode === 'prefer' || sslmode === 'allow' ? 'leaves open whether TLS is used' : 'is unknown'
  throw invalid(`sslmode=${sslmode} ${neither}; expected ${modes.join(', ')}`)
}

/** As libpq does it: whoever names an authority wants it asked, and without one `require` believes everybody. */
function checksOf(mode: Mode, { ca }: TlsFiles): ConnectionOptions {
  if (mode === 'verify-full') return {}
  if (mode === 'require' && ca === undefined) return { rejectUnauthorized: false }
  return { checkServerIdentity: () => undefined }
}

function filesOf({ sslrootcert, sslcert, sslkey }: Readonly<Record<string, string | null>>): TlsFiles {
  const named = (name: string, path: string | null | undefined) => [`${name} of DATABASE_URL`, path || null] as const
  return tlsFiles({
    // `system` is libpq's word for the authorities that come with the machine; ours come with Node.
    ca: named('sslrootcert', sslrootcert === 'system' ? null : sslrootcert),
    cert: named('sslcert', sslcert),
    key: named('sslkey', sslkey),
  })
}

function invalid(message: string): EngineError {
  return new EngineError('config_invalid', `DATABASE_URL: ${message}`)
}
