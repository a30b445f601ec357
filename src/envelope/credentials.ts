/** Which headers carry credentials. They are kept from `meta`, from every log, and sealed wherever they are stored. */
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
])
