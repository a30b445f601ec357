/** The ways to Kafka and Postgres as settings, by their variables. */
import { caFile, client, databaseUrl, dbUser, file, kafka, own, secrets, tokens, user } from './ground.ts'

export type Env = Readonly<Record<string, string>>

export const tls: Env = { KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: caFile }

export function login(mechanism: string): Env {
  return {
    ...tls,
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: user.name,
    KAFKA_SASL_PASSWORD: user.password,
  }
}

export const token: Env = {
  ...tls,
  KAFKA_SASL_MECHANISM: 'oauthbearer',
  KAFKA_OAUTH_TOKEN_URL: tokens.url,
  KAFKA_OAUTH_CLIENT_ID: client.id,
  KAFKA_OAUTH_CLIENT_SECRET: client.secret,
  KAFKA_OAUTH_TLS_CA_FILE: caFile,
  KAFKA_OAUTH_SCOPE: 'kafka',
}

export function certificate(pair: { cert: string; key: string }): Env {
  return { ...tls, KAFKA_TLS_CERT_FILE: pair.cert, KAFKA_TLS_KEY_FILE: pair.key }
}

export function at(name: keyof typeof kafka.ports, host = 'localhost'): Env {
  return { KAFKA_BROKERS: `${host}:${kafka.ports[name]}` }
}

/** Every way that is meant to work. */
export const ways: Readonly<Record<string, Env>> = {
  TLS: { ...at('tls'), ...tls },
  'a certificate of ours': { ...at('mtls'), ...certificate(own) },
  PLAIN: { ...at('login'), ...login('plain') },
  'SCRAM-SHA-256': { ...at('login'), ...login('scram-sha-256') },
  'SCRAM-SHA-512': { ...at('login'), ...login('scram-sha-512') },
  OAUTHBEARER: { ...at('login'), ...token },
}

/** Of the ledger: by password, in a file, and by certificate. */
export function ledgers(database: string): { readonly byPassword: Env; readonly byCertificate: Env } {
  const verified = { sslmode: 'verify-full', sslrootcert: caFile }
  const byPassword = databaseUrl({ database }, verified)
  const certs = { ...verified, sslcert: dbUser.cert, sslkey: dbUser.key }
  return {
    byPassword: { DATABASE_URL_FILE: file(`${byPassword}\n`) },
    byCertificate: { DATABASE_URL: databaseUrl({ user: 'by_certificate', database }, certs) },
  }
}

export const planted: readonly string[] = Object.values(secrets)
