/**
 * One real Postgres that speaks TLS, with a certificate for the name `localhost` alone. Who may come how is told by the user:
 * `postgres` with its password, `by_password` with it over TLS, `by_certificate` with a certificate of that name.
 */
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../src/local/postgres.ts'
import { eraseServers } from '../../src/local/servers.ts'
import { atEnd } from '../support/at-end.ts'
import type { Authority, Pair } from '../support/certificates.ts'

export interface EncryptedPostgres {
  readonly port: number
  /** As its administrator, without TLS. */
  readonly adminUrl: string
  query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]>
  /** From the next connection on it shows this certificate. */
  show(pair: Pair): Promise<void>
}

const access = `
hostssl all by_certificate all cert
hostssl all by_password    all scram-sha-256
host    all postgres       all scram-sha-256
`

export async function startEncryptedPostgres(
  authority: Authority,
  users: { readonly password: string },
): Promise<EncryptedPostgres> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-postgres-'))
  chmodSync(dir, 0o755) // the server's own user must be able to go through it
  const server = await startPostgres({ dataDir: join(dir, 'postgres') })
  const admin = new pg.Client(server.url)
  await admin.connect()
  atEnd(async () => {
    await admin.end()
    await server.stop()
    eraseServers(dir)
    rmSync(dir, { recursive: true, force: true })
  })
  const [row] = (await admin.query<{ hba_file: string }>('show hba_file')).rows
  const hba = row?.hba_file ?? ''
  const put = (name: string, text: string) => {
    const path = join(dirname(hba), name)
    const { uid, gid } = statSync(hba)
    writeFileSync(path, text, { mode: 0o600 })
    chownSync(path, uid, gid)
    return path
  }
  const show = async ({ cert, key }: Pair) => {
    put('test.crt', `${cert}\n`)
    put('test.key', key)
    await admin.query('select pg_reload_conf()')
  }
  await show(await authority.sign({ name: 'postgres', hosts: ['localhost'] }))
  put('pg_hba.conf', access)
  const settings = {
    ssl: 'on',
    ssl_cert_file: 'test.crt',
    ssl_key_file: 'test.key',
    ssl_ca_file: put('ca.crt', `${authority.pem}\n`),
  }
  for (const [name, value] of Object.entries(settings)) await admin.query(`alter system set ${name} = '${value}'`)
  await admin.query(`create role by_password login superuser password '${users.password}'`)
  await admin.query('create role by_certificate login superuser')
  await admin.query('select pg_reload_conf()')
  const url = new URL(server.url)
  return {
    port: Number(url.port),
    adminUrl: server.url,
    query: async <Row extends pg.QueryResultRow>(sql: string) => (await admin.query<Row>(sql)).rows,
    show,
  }
}
