/** The certificate that a client has shown, as the ways to authenticate compare it: nothing in it can be taken for another part of it. */
import type { TLSSocket } from 'node:tls'
import type { HttpAuthRequest } from '../auth/request.ts'

/** Null: it showed none, or one that no authority of ours has signed. */
export function certificateOf(socket: TLSSocket): HttpAuthRequest['certificate'] {
  if (socket.authorized !== true) return null
  const certificate = socket.getPeerCertificate()
  if (Object.keys(certificate ?? {}).length === 0) return null
  const { subject, fingerprint256, subjectaltname } = certificate
  return { subject: subjectText(subject), fingerprint256, altNames: altNamesOf(subjectaltname ?? '') }
}

/** `CN=films,O=Example`, the most special name first; what would end a part stands behind a backslash. */
export function subjectText(subject: object): string {
  const names = Object.entries(subject as Record<string, string | string[]>).reverse()
  return names.flatMap(([name, values]) => [values].flat().map((value) => `${name}=${escaped(value)}`)).join(',')
}

function escaped(value: string): string {
  return value.replace(/[\\,+]/g, '\\$&').replace(/[\r\n]/g, '\\0a')
}

/** `DNS:films.example, DNS:"odd, name"`: Node puts in quotation marks what holds a comma. */
export function altNamesOf(text: string): string[] {
  const names = text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return names.map((name) => name.trim()).filter((name) => name !== '')
}
