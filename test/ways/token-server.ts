/** A token endpoint over TLS, as an OAuth 2 server has it: it knows one client, and signs what a broker can check. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { atEnd } from '../support/at-end.ts'
import type { Authority } from '../support/certificates.ts'

export interface TokenServer {
  readonly url: string
  readonly jwks: string
  readonly issuer: string
  readonly audience: string
  /** What it was asked for so far. */
  readonly grants: { readonly scope: string | null; readonly token: string }[]
  /** How long its tokens are valid, in seconds; how it answers instead, if it is to. */
  readonly behaviour: { lifeS: number; instead: null | ((secret: string) => { status: number; body: string }) }
}

export async function startTokenServer(
  authority: Authority,
  client: { id: string; secret: string },
): Promise<TokenServer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'RS256', use: 'sig' }] })
  const issuer = 'https://issuer.test'
  const audience = 'kafka'
  const behaviour: TokenServer['behaviour'] = { lifeS: 300, instead: null }
  const grants: { scope: string | null; token: string }[] = []
  const server = createServer(
    await authority.sign({ name: 'issuer', hosts: ['localhost'] }),
    async (request, response) => {
      const answer = (status: number, body: string) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(body)
      const form = new URLSearchParams(await text(request))
      if (behaviour.instead) {
        const { status, body } = behaviour.instead(String(request.headers.authorization))
        return answer(status, body)
      }
      if (!isClient(request.headers.authorization ?? '', client) || form.get('grant_type') !== 'client_credentials') {
        return answer(401, JSON.stringify({ error: 'invalid_client', error_description: 'no such client' }))
      }
      const token = await new SignJWT({ scope: form.get('scope') ?? '' })
        .setProtectedHeader({ alg: 'RS256', kid: 'test' })
        .setSubject(client.id)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${behaviour.lifeS}s`)
        .sign(privateKey)
      grants.push({ scope: form.get('scope'), token })
      return answer(200, JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: behaviour.lifeS }))
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => server.close())
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/token`,
    jwks,
    issuer,
    audience,
    grants,
    behaviour,
  }
}

/** Both parts are form-encoded first: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 */
function isClient(header: string, { id, secret }: { id: string; secret: string }): boolean {
  const [scheme, credentials = ''] = header.split(' ')
  const parts = Buffer.from(credentials, 'base64').toString().split(':')
  const [name, word] = parts.map((part) => new URLSearchParams(`x=${part}`).get('x'))
  return scheme === 'Basic' && name === id && word === secret
}
