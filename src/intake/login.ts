/** Logging in to brokers: kafkajs' own mechanisms, whose refusals say here which settings they are about. */
import type { Authenticator, AuthenticationProviderArgs as Connection, Mechanism } from 'kafkajs'
import plain from 'kafkajs/src/broker/saslAuthenticator/plain.js'
import scram256 from 'kafkajs/src/broker/saslAuthenticator/scram256.js'
import scram512 from 'kafkajs/src/broker/saslAuthenticator/scram512.js'
import { EngineError } from '../base/error.ts'
import type { Login, TokenLogin } from './settings.ts'

const byPassword = { plain, 'scram-sha-256': scram256, 'scram-sha-512': scram512 }

export function saslOf(login: Login): Mechanism {
  const { mechanism } = login
  if (mechanism === 'oauthbearer') return { mechanism, authenticationProvider: (to) => byToken(login, to) }
  const provide = byPassword[mechanism](login)
  return { mechanism, authenticationProvider: (to) => ({ authenticate: () => explained(provide(to)) }) }
}

async function explained(authenticator: Authenticator): Promise<void> {
  try {
    await authenticator.authenticate()
  } catch (error) {
    if (error instanceof Error && error.name === 'KafkaJSSASLAuthenticationError') error.message += passwordHint
    throw error
  }
}

const passwordHint =
  '; are KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD right, and KAFKA_SASL_MECHANISM that of this user?'

/**
 * kafkajs' own takes no notice of a refusal, which comes as the answer of a request that went well
 * (https://www.rfc-editor.org/rfc/rfc7628#section-3.2.3), and fails at the next request without a reason.
 */
function byToken({ tokens }: TokenLogin, { saslAuthenticate }: Connection): Authenticator {
  return {
    async authenticate() {
      const { value } = await tokens.token()
      const refusal = await saslAuthenticate<string>({
        request: { encode: () => sized(`n,,\u0001auth=Bearer ${value}\u0001\u0001`) },
        response: { decode: (bytes) => bytes, parse: unsized },
      })
      if (refusal) throw refused(refusal)
    },
  }
}

/** As kafkajs hands it on: the length in four bytes, and that many. */
function sized(text: string): Buffer {
  const bytes = Buffer.from(text)
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

function unsized(bytes: Buffer): string {
  return bytes.subarray(4).toString()
}

function refused(reason: string): EngineError {
  const hint = 'does it take tokens of KAFKA_OAUTH_TOKEN_URL, with this KAFKA_OAUTH_SCOPE?'
  return new EngineError('kafka_outage', `the broker refuses our token (${reason}): ${hint}`, { retryable: true })
}
