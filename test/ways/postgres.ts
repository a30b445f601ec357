/** The ways to Postgres: that they are what `sslmode` says, and what a person reads who has set one up wrongly. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { EngineError } from '../../src/base/error.ts'
import { connect } from '../../src/ledger/connect.ts'
import { atEnd } from '../support/at-end.ts'
import { freshAuthority } from '../support/certificates.ts'
import {
  authority,
  caFile,
  databaseUrl,
  dbUser,
  file,
  pairFiles,
  postgres,
  secrets,
  stranger,
  strangerFile,
} from './ground.ts'

const verified = { sslmode: 'verify-full', sslrootcert: caFile }
const byCertificate = { user: 'by_certificate' }
const certs = (pair: { cert: string; key: string }) => ({ ...verified, sslcert: pair.cert, sslkey: pair.key })
const address = { host: '127.0.0.1' }

const good: Readonly<Record<string, string>> = {
  'verify-full': databaseUrl({}, verified),
  'verify-full with a certificate of ours': databaseUrl(byCertificate, certs(dbUser)),
  'verify-ca, whatever the name': databaseUrl(address, { ...verified, sslmode: 'verify-ca' }),
  'require, whoever it is': databaseUrl(address, { sslmode: 'require' }),
  'require with an authority, whatever the name': databaseUrl(address, { ...verified, sslmode: 'require' }),
  'an authority and no word on what for': databaseUrl({}, { sslrootcert: caFile }),
  'TLS at once': databaseUrl({}, { ...verified, sslnegotiation: 'direct' }),
}

for (const [name, url] of Object.entries(good)) {
  test(`Postgres, ${name}: answers over TLS`, async () => assert.equal((await stateOf(url)).ssl, true))
}

const expired = pairFiles(await authority.sign({ name: 'by_certificate', fromDays: -3, toDays: -1 }))
const strange = pairFiles(await stranger.sign({ name: 'by_certificate' }))
const another = pairFiles(await authority.sign({ name: 'somebody' }))

const bad: Readonly<Record<string, [string, RegExp]>> = {
  'another authority': [
    databaseUrl({}, { ...verified, sslrootcert: strangerFile }),
    /nobody we trust has signed its certificate: sslrootcert of DATABASE_URL must hold/,
  ],
  'another authority, verify-ca': [
    databaseUrl({}, { sslmode: 'verify-ca', sslrootcert: strangerFile }),
    /nobody we trust has signed its certificate: sslrootcert of DATABASE_URL must hold/,
  ],
  'another authority, require': [
    databaseUrl({}, { sslmode: 'require', sslrootcert: strangerFile }),
    /nobody we trust has signed its certificate: sslrootcert of DATABASE_URL must hold/,
  ],
  'no authority': [
    databaseUrl({}, { sslmode: 'verify-full' }),
    /nobody we trust has signed its certificate: sslrootcert of DATABASE_URL must hold/,
  ],
  'another host name': [
    databaseUrl(address, verified),
    /its certificate is for DNS:localhost, not for 127\.0\.0\.1: call it by/,
  ],
  'no TLS where it is wanted': [databaseUrl({}, {}), /no encryption: is sslmode in DATABASE_URL what the server wants/],
  'no TLS, said so': [
    databaseUrl({}, { sslmode: 'disable' }),
    /no encryption: is sslmode in DATABASE_URL what the server wants/,
  ],
  'a wrong password': [
    databaseUrl({ password: 'wrong-canary' }, verified),
    /password authentication failed .*: are the user and the password in DATABASE_URL right\?/,
  ],
  'no certificate of ours': [
    databaseUrl(byCertificate, verified),
    /requires a valid client certificate: set sslcert and sslkey in DATABASE_URL/,
  ],
  'an expired certificate of ours': [
    databaseUrl(byCertificate, certs(expired)),
    /refuses our certificate \(sslcert and sslkey of DATABASE_URL\): it has expired on 20/,
  ],
  'a certificate of ours from a stranger': [
    databaseUrl(byCertificate, certs(strange)),
    /refuses our certificate .*: does it trust CN=a stranger, who signed it\?/,
  ],
  'a certificate of ours for somebody else': [
    databaseUrl(byCertificate, certs(another)),
    /sslcert of DATABASE_URL is the certificate of another user/,
  ],
  'a database that is not there': [
    databaseUrl({ database: 'nowhere' }, verified),
    /database "nowhere" does not exist: is its name in DATABASE_URL right\?/,
  ],
}

for (const [name, [url, message]] of Object.entries(bad)) {
  test(`Postgres, ${name}: told soon, with what to mend`, async () => {
    const fromMs = performance.now()
    const error = await refusal(url)
    assert.match(error.message, message)
    assert.ok(error.message.startsWith(`Postgres at ${new URL(url).host}/`), error.message)
    assert.ok(error.code === 'ledger_outage' && error.retryable)
    assert.ok(performance.now() - fromMs < soonMs, `${performance.now() - fromMs} ms`)
    for (const secret of [secrets.password, 'wrong-canary']) assert.ok(!inspect(error, { depth: 10 }).includes(secret))
  })
}

/** Milliseconds; the client's own patience with a connection is 5 s. */
const soonMs = 3000

test('Postgres: certificates that are replaced, ours and its own, are taken from the next connection on', async () => {
  const files = { ca: file(authority.pem), ...pairFiles(await authority.sign({ name: 'by_certificate' })) }
  const url = databaseUrl(byCertificate, { ...certs(files), sslrootcert: files.ca })
  const db = connect({ databaseUrl: url, connectionsMax: 1, answerMsMax: 5000 })
  atEnd(() => db.end())
  const session = async () => {
    const text = 'select pid, client_serial::text as serial from pg_stat_ssl where pid = pg_backend_pid()'
    const [row] = await db.query<{ pid: number; serial: string }>({ text })
    return row ?? assert.fail('no session')
  }
  const cut = ({ pid }: { pid: number }) => postgres.query(`select pg_terminate_backend(${pid}, 5000)`)
  const first = await session()

  const second = await authority.sign({ name: 'by_certificate' })
  writeFileSync(files.cert, second.cert)
  assert.deepEqual(await session(), first, 'the connection that is open stays')
  await cut(first)
  await assert.rejects(again(session), /the key is not that of the certificate|key values mismatch/)
  writeFileSync(files.key, second.key)
  const renewed = await again(session)
  assert.notEqual(renewed.serial, first.serial)

  const next = await freshAuthority('the next authority')
  await postgres.show(await next.sign({ name: 'postgres', hosts: ['localhost'] }))
  atEnd(async () => postgres.show(await authority.sign({ name: 'postgres', hosts: ['localhost'] })))
  await cut(renewed)
  await assert.rejects(again(session), /nobody we trust has signed its certificate/)
  writeFileSync(files.ca, `${authority.pem}\n${next.pem}\n`)
  assert.notEqual((await again(session)).pid, renewed.pid)
  rmSync(files.ca)
  await cut(await session())
  await again(session)
})

/** The first query after a cut may meet the connection that is gone. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (/terminat|ECONNRESET|reset/i.test(String(error))) return ask()
    throw error
  }
}

const odd: Readonly<Record<string, [Record<string, string>, RegExp]>> = {
  'a mode that leaves it open': [
    { sslmode: 'prefer' },
    /DATABASE_URL: sslmode=prefer leaves open whether TLS is used; expected disable,/,
  ],
  'a mode that is none': [
    { sslmode: 'verify' },
    /DATABASE_URL: sslmode=verify is unknown; expected disable, require, verify-ca, verify-full/,
  ],
  'verify-ca without an authority': [{ sslmode: 'verify-ca' }, /needs sslrootcert/],
  'a file that is not there': [
    { sslrootcert: '/nowhere.pem' },
    /sslrootcert of DATABASE_URL: \/nowhere\.pem: there is no such file/,
  ],
  'a file of something else': [{ sslrootcert: file('hello') }, /is not PEM/],
  'a certificate without its key': [
    { sslcert: dbUser.cert },
    /sslcert of DATABASE_URL and sslkey of DATABASE_URL go together/,
  ],
  'a key of another certificate': [
    { sslcert: dbUser.cert, sslkey: expired.key },
    /the key is not that of the certificate/,
  ],
}

for (const [name, [tls, message]] of Object.entries(odd)) {
  test(`Postgres, ${name}: refused before anything is asked`, () => {
    const settings = { databaseUrl: databaseUrl({}, tls), connectionsMax: 1, answerMsMax: 1000 }
    assert.throws(() => connect(settings), { code: 'config_invalid', message })
  })
}

async function stateOf(url: string): Promise<{ ssl: boolean; dn: string | null }> {
  const db = connect({ databaseUrl: url, connectionsMax: 1, answerMsMax: 5000 })
  try {
    const text = 'select ssl, client_dn as dn from pg_stat_ssl where pid = pg_backend_pid()'
    const [row] = await db.query<{ ssl: boolean; dn: string | null }>({ text })
    return row ?? assert.fail('no session')
  } finally {
    await db.end()
  }
}

async function refusal(url: string): Promise<EngineError> {
  return stateOf(url).then(
    () => assert.fail('was let in'),
    (error: EngineError) => error,
  )
}
