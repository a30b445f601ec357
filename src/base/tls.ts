/**
 * TLS to servers, alike for Kafka, Postgres and whatever else is asked: files of certificates that may be replaced while we
 * run, and the options of one connection made of them.
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { EngineError, messageOf } from './error.ts'

/** A PEM file and the setting that names it. */
export class PemFile {
  readonly setting: string
  readonly path: string
  #last: string | null = null

  constructor(setting: string, path: string) {
    this.setting = setting
    this.path = path
  }

  /**
   * As it is now; where it cannot be read for a moment, because somebody is replacing it, as it was last. Throws `EngineError`
   * `config_invalid` when it never could.
   */
  read(): string {
    try {
      this.#last = pemOf(readFileSync(this.path, 'utf8'))
    } catch (cause) {
      if (this.#last === null) throw invalid(`${this.setting}: ${this.path}: ${reasonOf(cause)}`)
    }
    return this.#last
  }

  /** For who only wants to say what is in it. */
  readOrNone(): string | undefined {
    try {
      return this.read()
    } catch {
      return undefined
    }
  }
}

export interface TlsFiles {
  /** Of the authorities whose servers are believed; without it those that Node brings along. */
  readonly ca?: PemFile
  /** Our own certificate, for servers that ask for one. */
  readonly cert?: PemFile
  readonly key?: PemFile
}

/** A setting's name, and the path that it holds. */
type Named = readonly [setting: string, path: string | null]

/** Throws `EngineError` `config_invalid` when certificate and key are not both there, and as `checkTls` does. */
export function tlsFiles({
  ca,
  cert,
  key,
}: {
  readonly ca: Named
  readonly cert?: Named
  readonly key?: Named
}): TlsFiles {
  const [own, ownKey] = [pem(cert), pem(key)]
  if ((own === null) !== (ownKey === null)) {
    throw invalid(`${cert?.[0]} and ${key?.[0]} go together: one is set, the other is not`)
  }
  const trusted = pem(ca)
  const files = { ...(trusted && { ca: trusted }), ...(own && { cert: own }), ...(ownKey && { key: ownKey }) }
  checkTls(files)
  return files
}

function pem([setting, path]: Named = ['', null]): PemFile | null {
  return path === null ? null : new PemFile(setting, path)
}

/** Read anew for each connection, so that what was replaced is taken from then on. */
export function tlsOptions({ ca, cert, key }: TlsFiles): SecureContextOptions {
  return { ...(ca && { ca: ca.read() }), ...(cert && { cert: cert.read() }), ...(key && { key: key.read() }) }
}

/** Throws `EngineError` `config_invalid` when a file is missing, is none of its kind, or the key is not the certificate's. */
export function checkTls(files: TlsFiles): void {
  const { ca, cert, key } = files
  for (const file of [ca, cert]) if (file) checkCertificate(file)
  try {
    createSecureContext(tlsOptions(files))
  } catch (cause) {
    if (cause instanceof EngineError) throw cause
    const where = [key, cert].flatMap((file) => (file ? [`${file.setting} (${file.path})`] : [])).join(' and ')
    throw invalid(`${where}: ${keyProblem(cause)}`)
  }
}

function checkCertificate(file: PemFile): void {
  try {
    new X509Certificate(file.read())
  } catch (cause) {
    if (cause instanceof EngineError) throw cause
    throw invalid(`${file.setting}: ${file.path} holds no certificate: ${messageOf(cause)}`)
  }
}

function keyProblem(cause: unknown): string {
  const { code } = cause as { code?: string }
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return 'the key is not that of the certificate'
  if (/BAD_PASSWORD|INTERRUPTED|NO_PASSWORD|BAD_DECRYPT/i.test(code ?? ''))
    return 'the key is encrypted: give it without a passphrase'
  return messageOf(cause)
}

function pemOf(text: string): string {
  if (text.includes('-----BEGIN ')) return text
  throw new Error('is not PEM, expected -----BEGIN …-----')
}

function reasonOf(cause: unknown): string {
  const { code } = cause as { code?: string }
  if (code === 'ENOENT') return 'there is no such file'
  return code === 'EACCES' ? 'may not be read by this user' : messageOf(cause)
}

function invalid(message: string): EngineError {
  return new EngineError('config_invalid', message)
}
