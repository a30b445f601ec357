/**
 * Tokens for brokers that ask for one (SASL OAUTHBEARER), from a token endpoint by our client's credentials
 * (https://www.rfc-editor.org/rfc/rfc6749#section-4.4). One is used until it is about to expire; where none is to be had
 * then, for as long as it is valid.
 */
import {
  allowInsecureRequests,
  ClientSecretBasic,
  clientCredentialsGrantRequest,
  customFetch,
  processClientCredentialsResponse,
  ResponseBodyError,
} from 'oauth4webapi'
import { askHttp } from '../base/ask-http.ts'
import { EngineError, messageOf } from '../base/error.ts'
import type { TlsFiles } from '../base/tls.ts'
import { tlsTrouble } from '../base/tls-trouble.ts'

export interface TokenSettings {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string | null
  readonly tls: TlsFiles
}

/**
 * The client logs in again 10 s before the broker ends its session, which it does when the token expires: by then there has
 * to be a newer one. Milliseconds.
 */
const renewBeforeMs = 15_000
/** Of an endpoint that does not say how long its token is valid. Milliseconds. */
const lifeMsByDefault = 60_000

export class Tokens {
  readonly #settings: TokenSettings
  #current: { readonly value: string; readonly freshUntilMs: number; readonly validUntilMs: number } | null = null
  #asked: Promise<void> | null = null

  constructor(settings: TokenSettings) {
    this.#settings = settings
  }

  /** Throws `EngineError` `kafka_outage` when there is none. */
  async token(): Promise<{ value: string }> {
    const nowMs = performance.now()
    if (this.#current === null || nowMs >= this.#current.freshUntilMs) {
      this.#asked ??= this.#ask().finally(() => (this.#asked = null))
      await this.#asked.catch((error) => this.#doWithout(error))
    }
    return { value: this.#current?.value ?? '' }
  }

  #doWithout(error: unknown): void {
    if (this.#current === null || performance.now() >= this.#current.validUntilMs) throw error
  }

  async #ask(): Promise<void> {
    const askedMs = performance.now()
    const { access_token: value, expires_in: lifeS } = await grant(this.#settings)
    const lifeMs = lifeS === undefined ? lifeMsByDefault : lifeS * 1000
    const freshMs = lifeMs - Math.max(renewBeforeMs, lifeMs / 5)
    this.#current = { value, freshUntilMs: askedMs + freshMs, validUntilMs: askedMs + lifeMs }
  }
}

const answersWithinMs = 10_000
const answerBytesMax = 64 * 1024

/** As the library wants it. */
async function post(url: string, headers: Record<string, string>, body: string, tls: TlsFiles): Promise<Response> {
  const limits = { answerMsMax: answersWithinMs, answerBytesMax }
  const { status, type, body: said } = await askHttp({ url, headers, body, tls, ...limits })
  return new Response(new Uint8Array(said), { status, headers: { 'content-type': type } })
}

async function grant(settings: TokenSettings): Promise<{ access_token: string; expires_in?: number }> {
  const { url, clientId, clientSecret, scope, tls } = settings
  const server = { issuer: url, token_endpoint: url }
  const client = { client_id: clientId }
  const parameters = scope === null ? new URLSearchParams() : new URLSearchParams({ scope })
  const options = {
    [customFetch]: (at: string, request: { headers: Record<string, string>; body: URLSearchParams }) =>
      post(at, request.headers, String(request.body), tls),
    [allowInsecureRequests]: new URL(url).protocol === 'http:',
  }
  try {
    const auth = ClientSecretBasic(clientSecret)
    const response = await clientCredentialsGrantRequest(server, client, auth, parameters, options)
    return await processClientCredentialsResponse(server, client, response)
  } catch (error) {
    throw failed(settings, error)
  }
}

/** What the endpoint said is told, and nothing of what it was told: so there is no cause. */
function failed({ url, clientSecret }: TokenSettings, error: unknown): EngineError {
  const reason = reasonOf(error).replaceAll(clientSecret, '…')
  return new EngineError('kafka_outage', `no token for Kafka from ${url}: ${reason}`, { retryable: true })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof ResponseBodyError)) {
    const words = { ca: 'KAFKA_OAUTH_TLS_CA_FILE', own: 'a certificate' }
    return tlsTrouble(error, words) ?? messageOf(error)
  }
  const said = [error.error, error.error_description].filter(Boolean).join(': ')
  const isClient = error.error === 'invalid_client' || error.error === 'unauthorized_client'
  return isClient ? `${said}; are KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET right?` : said
}
