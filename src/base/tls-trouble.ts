/** Why a TLS connection did not come about, in words that say what to mend; Node's and OpenSSL's own name only the symptom. */
import { X509Certificate } from 'node:crypto'

/** How the settings are called where this server is configured. */
export interface TlsWords {
  readonly ca: string
  /** The certificate and its key: "KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE". */
  readonly own: string
  /** Our certificate as PEM, where there is one. */
  readonly cert?: string | undefined
}

/** Null: nothing of TLS. */
export function tlsTrouble(error: unknown, words: TlsWords): string | null {
  const { code = '', message = '' } = (error ?? {}) as { code?: string; message?: string }
  if (unknownAuthority.has(code))
    return `nobody we trust has signed its certificate: ${words.ca} must hold the authority that did`
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired: it needs a new one'
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet: is one of the clocks wrong?'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return otherName(error)
  if (/TLSV13_ALERT_CERTIFICATE_REQUIRED/.test(code)) return `it wants a certificate of ours: set ${words.own}`
  if (
    /ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED)/.test(
      code,
    )
  ) {
    return refused(words)
  }
  if (/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/.test(code))
    return 'it speaks no version of TLS that we speak (1.2 or 1.3)'
  if (code === 'EPROTO' || noTls.test(code)) return 'it does not speak TLS at this port'
  if (/before secure TLS connection/.test(message))
    return 'it hung up before TLS was agreed on: does it speak TLS at this port?'
  // Some servers say nothing of why.
  if (code === 'ECONNRESET' && message === 'socket hang up' && words.cert !== undefined) {
    return `it hung up, maybe for our certificate (${words.own}): ${validityOf(words.cert)}`
  }
  if (/^ERR_(?:SSL|OSSL)_/.test(code)) return `TLS: ${message}`
  return null
}

const unknownAuthority: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
])

const noTls = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD_LAYER/

function otherName(error: unknown): string {
  const { host, cert } = error as { host?: string; cert?: { subjectaltname?: string; subject?: { CN?: string } } }
  const names = cert?.subjectaltname ?? cert?.subject?.CN ?? 'nobody'
  return `its certificate is for ${names}, not for ${host}: call it by a name that is in there, or give it a certificate for this one`
}

function refused({ own, cert }: TlsWords): string {
  if (cert === undefined) return `it refuses us, most likely because it wants a certificate of ours: set ${own}`
  return `it refuses our certificate (${own}): ${validityOf(cert)}`
}

function validityOf(pem: string): string {
  const { validFrom, validTo, issuer } = new X509Certificate(pem)
  if (Date.parse(validTo) < Date.now()) return `it has expired on ${new Date(validTo).toISOString()}`
  if (Date.parse(validFrom) > Date.now()) return `it is not valid before ${new Date(validFrom).toISOString()}`
  return `does it trust ${issuer.replaceAll('\n', ', ')}, who signed it?`
}
