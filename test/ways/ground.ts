/** What the tests of the ways share: one Kafka, one Postgres, one token endpoint, one authority that is believed and one that is not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from '../support/at-end.ts'
import { freshAuthority, type Pair } from '../support/certificates.ts'
import { unique } from '../support/servers.ts'
import { startEncryptedKafka } from './kafka-server.ts'
import { startEncryptedPostgres } from './postgres-server.ts'
import { startTokenServer } from './token-server.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-ways-'))
atEnd(() => rmSync(dir, { recursive: true, force: true }))

/** Secrets, which no output may show. */
export const secrets = { password: unique('password'), clientSecret: unique('client-secret/+ :é') }
export const user = { name: 'millrace', password: secrets.password }
export const client = { id: 'millrace-client', secret: secrets.clientSecret }

export const authority = await freshAuthority('the authority')
export const stranger = await freshAuthority('a stranger')

export const tokens = await startTokenServer(authority, client)
export const postgres = await startEncryptedPostgres(authority, secrets)
export const kafka = await startEncryptedKafka({ authority, clients: [authority], user, tokens })

// What the tests' own clients use: the plain listener, and Postgres without TLS.
process.env.KAFKA_BROKERS = `127.0.0.1:${kafka.ports.plain}`
process.env.DATABASE_URL = postgres.adminUrl

/** A file with this text, anew for each call. */
export function file(text: string): string {
  const path = join(dir, unique('file'))
  writeFileSync(path, text)
  return path
}

/** What a client needs: the settings by their variables. */
export interface Files {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

export function pairFiles({ cert, key }: Pair): Omit<Files, 'ca'> {
  return { cert: file(cert), key: file(key) }
}

export const caFile = file(authority.pem)
export const strangerFile = file(stranger.pem)
export const own = pairFiles(await authority.sign({ name: 'coordinator' }))

export const dbUser = pairFiles(await authority.sign({ name: 'by_certificate' }))

/** Of the database, by these settings of TLS. */
export function databaseUrl(
  { user = 'by_password', host = 'localhost', password = secrets.password, database = 'postgres' },
  tls: Readonly<Record<string, string>>,
): string {
  const url = new URL(`postgres://${user}@${host}:${postgres.port}/${database}`)
  if (user === 'by_password') url.password = password
  for (const [name, value] of Object.entries(tls)) url.searchParams.set(name, value)
  return url.href
}
