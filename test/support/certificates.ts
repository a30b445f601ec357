/** Certificates for tests: an authority of one's own, and what it signs, good or bad. Milliseconds each, nothing outside Node. */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  BasicConstraintsExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

export interface Authority {
  /** Its certificate, as PEM. */
  readonly pem: string
  sign(wanted: Wanted): Promise<Pair>
}

/** As PEM; the key without a passphrase. */
export interface Pair {
  readonly cert: string
  readonly key: string
}

export interface Wanted {
  /** The subject's common name. */
  readonly name: string
  /** Names and addresses of a server; a client's has none. */
  readonly hosts?: readonly string[]
  /** Valid from and to, in days from now; by default from yesterday to tomorrow. */
  readonly fromDays?: number
  readonly toDays?: number
}

type Keys = Awaited<ReturnType<typeof newKeys>>

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export async function freshAuthority(name = 'authority of a test'): Promise<Authority> {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    ...validity({ name }),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  return { pem: certificate.toString('pem'), sign: (wanted) => sign(wanted, certificate, keys) }
}

async function sign(wanted: Wanted, authority: X509Certificate, signer: Keys): Promise<Pair> {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${wanted.name}`,
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: algorithm,
    ...validity(wanted),
    extensions: extensionsOf(wanted),
  })
  return { cert: certificate.toString('pem'), key: pemOf(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)) }
}

function extensionsOf({ hosts = [] }: Wanted): Extension[] {
  const names: JsonGeneralNames = hosts.map((host) => ({ type: isIP(host) ? 'ip' : 'dns', value: host }))
  return [
    new BasicConstraintsExtension(false),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
  ]
}

function validity({ fromDays = -1, toDays = 1 }: Wanted): { notBefore: Date; notAfter: Date } {
  const inDays = (days: number) => new Date(Date.now() + days * 24 * 60 * 60 * 1000)
  return { notBefore: inDays(fromDays), notAfter: inDays(toDays) }
}

function newKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

function pemOf(pkcs8: ArrayBuffer): string {
  const lines =
    Buffer.from(pkcs8)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`
}
