/** The certificate of an HTTP client, which one of our authorities has signed: whose it may be is a list. A Kafka record has none. */
import type { MtlsSpec } from '../envelope/auth-spec.ts'
import type { HttpAuthRequest } from './request.ts'
import type { Way } from './way.ts'

type Certificate = NonNullable<HttpAuthRequest['certificate']>

export function mtlsWay(id: string, spec: MtlsSpec): Way {
  const subjects = new Set(spec.subjects.map(comparable))
  const altNames = new Set(spec.altNames.map((name) => name.toLowerCase()))
  const fingerprints = new Set(spec.fingerprints)
  const isListed = ({ subject, fingerprint256, altNames: own }: Certificate) =>
    fingerprints.has(fingerprint256.replaceAll(':', '').toLowerCase()) ||
    subjects.has(comparable(subject)) ||
    own.some((name) => altNames.has(name.toLowerCase()))
  return {
    id,
    authenticate({ http }) {
      const certificate = http?.certificate
      if (!certificate || !isListed(certificate)) return null
      const { subject, fingerprint256, altNames: names } = certificate
      const claims = { fingerprint: fingerprint256, altNames: [...names] }
      return { principal: partsOf(subject).join(','), family: 'mtls', roles: spec.roles, claims }
    },
  }
}

/** Some write a subject from its end, and one part to a line. */
function comparable(subject: string): string {
  return JSON.stringify(partsOf(subject).sort())
}

/** `CN=a,O=b`, or a line each; a comma that belongs to a value stands behind a backslash. */
function partsOf(subject: string): string[] {
  const parts = subject.split(/(?<!\\)(?:\r?\n|[,+])/)
  return parts
    .map((part) => part.trim().replace(/^([A-Za-z.0-9]+)\s*=\s*/, (_, name) => `${name.toUpperCase()}=`))
    .filter(Boolean)
}
