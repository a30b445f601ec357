import { doorHeader } from './door-stamp.ts'

/** Which headers carry credentials. They are kept from `meta` and from every log; dead letters hold them sealed. */
export function isCredential(headerName: string): boolean {
  return credentialHeaders.has(headerName.toLowerCase())
}

const credentialHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api-key',
  'x-auth-token',
  'x-access-token',
  'x-csrf-token',
  'x-amz-security-token',
  'x-goog-api-key',
  // Signatures, which can be sent again for a while.
  'webhook-signature',
  'x-hub-signature',
  'x-hub-signature-256',
  'stripe-signature',
  'x-slack-signature',
  doorHeader,
])
