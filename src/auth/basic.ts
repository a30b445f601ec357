/** Name and password (RFC 7617). A name that is not there takes as long as a wrong password. */
import type { Principal } from '../envelope/auth.ts'
import type { BasicSpec } from '../envelope/auth-spec.ts'
import { schemeValue, soleHeader } from './header.ts'
import { parsedBy, type Secrets, secretInvalid } from './secret.ts'
import { isOf, nobodys, type SlowHash, type Stored, sameBytes, sha256, storedIn } from './stored.ts'
import { Verdicts, verdictsMax, verdictsMs } from './verdicts.ts'
import type { Way } from './way.ts'

export function basicWay(id: string, { users }: BasicSpec, secrets: Secrets): Way {
  return {
    id,
    authenticate(request) {
      const said = credentialsIn(schemeValue(soleHeader(request, 'authorization'), 'basic'))
      if (said === null) return null
      const secret = secrets.get(users)
      const stored = usersIn(secret).get(said.name)
      return verdictsOf(secret).find(`${said.name}:${said.password}`, () => judge(said.password, stored))
    },
  }
}

const verdictsOf = parsedBy(() => new Verdicts<Principal | null>(verdictsMax, verdictsMs))

const usersIn = parsedBy((secret) => {
  const byName = new Map<string, Stored>()
  for (const one of storedIn(secret)) {
    if (byName.has(one.name)) throw secretInvalid(secret, `${one.name} is in it twice`)
    byName.set(one.name, one)
  }
  return byName
})

async function judge(password: string, stored: Stored | undefined): Promise<Principal | null> {
  const fits = await matches(password, stored?.hash ?? nobodys)
  if (!fits || stored === undefined) return null
  return { principal: stored.name, family: 'basic', roles: stored.roles, claims: {} }
}

async function matches(password: string, hash: Stored['hash'] | SlowHash): Promise<boolean> {
  return hash.kind === 'scrypt' ? isOf(password, hash) : sameBytes(sha256(password), hash.digest)
}

/** The name ends at the first colon; both are UTF-8. */
function credentialsIn(base64: string | null): { readonly name: string; readonly password: string } | null {
  if (base64 === null) return null
  const bytes = Buffer.from(base64, 'base64')
  // The decoder takes much that nobody wrote.
  if (bytes.toString('base64') !== base64) return null
  const text = bytes.toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1 || unclear.test(text)) return null
  return { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const unclear = /[\u0000-\u001f\u007f\ufffd]/
