/** A key in a header, compared with the hashes of those that are known: with all of them, in the same time whichever it is. */
import type { Principal } from '../envelope/auth.ts'
import type { ApiKeySpec } from '../envelope/auth-spec.ts'
import { schemeValue, soleHeader } from './header.ts'
import type { AuthRequest } from './request.ts'
import { parsedBy, type Secrets } from './secret.ts'
import { isOf, type Stored, sameBytes, sha256, storedIn } from './stored.ts'
import { Verdicts, verdictsMax, verdictsMs } from './verdicts.ts'
import type { Way } from './way.ts'

export function apiKeyWay(id: string, { header, keys }: ApiKeySpec, secrets: Secrets): Way {
  return {
    id,
    authenticate(request) {
      const key = keyIn(request, header)
      if (key === null) return null
      const secret = secrets.get(keys)
      const stored = storedIn(secret)
      const found = quickly(key, stored)
      if (found !== null) return principalOf(found)
      const slow = stored.filter(({ hash }) => hash.kind === 'scrypt')
      return slow.length === 0 ? null : verdictsOf(secret).find(key, () => search(key, slow))
    },
  }
}

/** With a new text of the secret they begin anew. */
const verdictsOf = parsedBy(() => new Verdicts<Principal | null>(verdictsMax, verdictsMs))

function keyIn(request: AuthRequest, header: string): string | null {
  const sent = soleHeader(request, header)
  return header === 'authorization' ? (schemeValue(sent, 'bearer') ?? schemeValue(sent, 'apikey')) : sent
}

function quickly(key: string, stored: readonly Stored[]): Stored | null {
  const digest = sha256(key)
  let found: Stored | null = null
  for (const one of stored) {
    if (one.hash.kind === 'sha256' && sameBytes(one.hash.digest, digest)) found = one
  }
  return found
}

/** One after the other: each takes memory and a thread for a while. */
async function search(key: string, slow: readonly Stored[]): Promise<Principal | null> {
  let found: Stored | null = null
  for (const one of slow) {
    if (one.hash.kind === 'scrypt' && (await isOf(key, one.hash))) found = one
  }
  return found && principalOf(found)
}

function principalOf({ name, roles }: Stored): Principal {
  return { principal: name, family: 'apiKey', roles, claims: {} }
}
