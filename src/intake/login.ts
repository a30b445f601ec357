/** Logging in to brokers: kafkajs' own mechanisms, whose refusals say here which settings they are about. */
import type { Mechanism } from 'kafkajs'
import oauthBearer from 'kafkajs/src/broker/saslAuthenticator/oauthBearer.js'
import plain from 'kafkajs/src/broker/saslAuthenticator/plain.js'
import scram256 from 'kafkajs/src/broker/saslAuthenticator/scram256.js'
import scram512 from 'kafkajs/src/broker/saslAuthenticator/scram512.js'
import type { Login } from './settings.ts'

const mechanisms = { plain, 'scram-sha-256': scram256, 'scram-sha-512': scram512 }

export function saslOf(login: Login): Mechanism {
  const isToken = login.mechanism === 'oauthbearer'
  const provide = isToken
    ? oauthBearer({ oauthBearerProvider: () => login.tokens.token() })
    : mechanisms[login.mechanism](login)
  const hint = isToken
    ? 'does the broker take tokens of KAFKA_OAUTH_TOKEN_URL, and this client and scope?'
    : 'are KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD right, and KAFKA_SASL_MECHANISM that of this user?'
  return {
    mechanism: login.mechanism,
    authenticationProvider: (connection) => ({
      async authenticate() {
        try {
          await provide(connection).authenticate()
        } catch (error) {
          if (isRefusal(error)) error.message += `; ${hint}`
          throw error
        }
      },
    }),
  }
}

function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'KafkaJSSASLAuthenticationError'
}
