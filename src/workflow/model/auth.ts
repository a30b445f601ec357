/** Who may send the events of a workflow, as its file says it: one way or several, each of one family. */
import { z } from 'zod'
import { defaults, limits } from '../limits.ts'
import { duration, identifier, usesPattern } from './fields.ts'

export type AuthFile = z.infer<typeof authModel>
export type WayFile = z.infer<typeof wayModel>

/** The field that makes a way what it is. */
export const families = ['apiKey', 'basic', 'hmac', 'jwt', 'mtls', 'sasl', 'function'] as const

const headerExpected = 'the name of a header'
const header = (byDefault: string) =>
  z
    .string(headerExpected)
    .regex(/^[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,100}$/, headerExpected)
    .default(byDefault)

/** Of a file, and of an environment variable in upper case. */
const secretExpected = 'the name of a secret: a-z, 0-9 and _, that begins with a letter'
const secret = () => z.string(secretExpected).regex(/^[a-z][a-z0-9_]{0,62}$/, secretExpected)
const secretsExpected = 'the name of a secret, or a list of up to 5'
const secrets = () =>
  z.union(
    [secret(), z.array(secret(), secretsExpected).min(1, secretsExpected).max(5, secretsExpected)],
    secretsExpected,
  )

const text = (expected: string) => z.string(expected).min(1, expected).max(limits.authTextCharsMax, expected)
const texts = (expected: string) =>
  z.array(text(expected), expected).min(1, expected).max(limits.authTextsMax, expected)
const oneOrMore = (expected: string) => z.union([text(expected), texts(expected)], expected)

const rolesExpected = 'a list of roles, such as [billing]'
const roles = () =>
  z
    .array(text(rolesExpected), rolesExpected)
    .max(limits.authTextsMax, rolesExpected)
    .default([])
    .describe('The roles of whoever is found out this way.')

const tolerance = (about: string) =>
  duration('how far clocks may be apart', limits.toleranceMs).default(defaults.tolerance).describe(about)

const apiKeyModel = z.strictObject(
  {
    header: header('x-api-key').describe('The header with the key.'),
    keys: secret().describe(
      'The secret with the keys, a line each: name sha256:… role,role. `millrace hash-key` makes one.',
    ),
  },
  'a map with keys, header',
)

const basicModel = z.strictObject(
  {
    users: secret().describe(
      'The secret with the users, a line each: name scrypt:… role,role. `millrace hash-password` makes one.',
    ),
  },
  'a map with users',
)

const hmacModel = z.strictObject(
  {
    scheme: z
      .enum(['standard-webhooks', 'github', 'stripe', 'slack'], 'standard-webhooks, github, stripe or slack')
      .describe('Whose form of signature it is.'),
    secret: secrets().describe('The secret that signs; of a list any, so that one can be changed for another.'),
    tolerance: tolerance('How far the signed time may be from that of the event. GitHub signs no time.'),
    principal: text('a name').optional().describe('Whom the signature stands for. Without it, the id of this way.'),
    roles: roles(),
  },
  'a map with scheme, secret, tolerance, principal, roles',
)

const algorithmsExpected =
  'a list of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA; or of HS256, HS384, HS512 with keys'
const claimExpected = 'a path into the claims, such as claims.realm_access.roles'
const claim = () => z.string(claimExpected).regex(/^claims(?:\.[^.]{1,100}){1,8}$/, claimExpected)

const jwtModel = z.strictObject(
  {
    issuer: text('the issuer of the tokens, as they name it').describe('Who must have issued the token (`iss`).'),
    audience: oneOrMore('a text, or a list of them').describe('For whom it must be (`aud`); of a list any.'),
    jwks: z
      .url({ protocol: /^https?$/, error: 'the address of the issuer’s keys (JWKS)' })
      .optional()
      .describe('Where the issuer’s public keys are.'),
    keys: secret()
      .optional()
      .describe('In place of jwks: the secret with the keys, as a JWKS, a PEM, or the text itself for HS256.'),
    algorithms: z
      .array(
        z.enum(
          [
            'RS256',
            'RS384',
            'RS512',
            'PS256',
            'PS384',
            'PS512',
            'ES256',
            'ES384',
            'ES512',
            'EdDSA',
            'HS256',
            'HS384',
            'HS512',
          ],
          algorithmsExpected,
        ),
        algorithmsExpected,
      )
      .min(1, algorithmsExpected)
      .describe('What may have signed it; whatever else the token says of itself is refused.'),
    header: header('authorization').describe('The header with the token; in authorization it stands behind “Bearer”.'),
    principal: claim().default('claims.sub').describe('The claim that says who it is.'),
    roles: claim().optional().describe('The claim with the roles: a list, or a text with spaces between them.'),
    tolerance: tolerance('How far the clocks of issuer and sender may be apart.').default('30s'),
  },
  'a map with issuer, audience, jwks, algorithms',
)

const subjectsExpected = 'a list of subjects, such as ["CN=partner,O=Evening Reel"]'
const altNamesExpected = 'a list of names, such as ["DNS:partner.example"]'
const fingerprintExpected = 'a list of SHA-256 fingerprints in hex'

const mtlsModel = z.strictObject(
  {
    subjects: texts(subjectsExpected).optional().describe('Subjects that may, as RFC 4514 writes them.'),
    altNames: texts(altNamesExpected)
      .optional()
      .describe('Alternative names that may, with their kind: DNS:…, URI:…, email:….'),
    fingerprints: z
      .array(
        z.string(fingerprintExpected).regex(/^(?:[0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$/, fingerprintExpected),
        fingerprintExpected,
      )
      .min(1, fingerprintExpected)
      .max(limits.authTextsMax, fingerprintExpected)
      .optional()
      .describe('SHA-256 fingerprints of certificates that may.'),
    roles: roles(),
  },
  'a map with subjects, altNames or fingerprints',
)

const saslModel = z.strictObject(
  {
    header: header('x-principal').describe('The header in which the trusted producer says who it was.'),
    trusted: z
      .union(
        [
          z.literal('topic', 'topic, or a map with secret'),
          z.strictObject({
            secret: secrets().describe('The secret that signs the header; of a list any.'),
            tolerance: tolerance('How far the signed time may be from that of the event.'),
          }),
        ],
        'topic, or a map with secret',
      )
      .describe('Why it is believed: topic (Kafka lets nobody else write to it), or a signature beside it.'),
    roles: roles(),
  },
  'a map with trusted, header',
)

const usesExpected = 'the name of a function that authenticates'
const functionName = () =>
  z.string(usesExpected).max(limits.usesCharsMax, usesExpected).regex(usesPattern, usesExpected)

const functionModel = z.union(
  [
    functionName(),
    z.strictObject(
      {
        uses: functionName().describe('The function: site/check is functions/site/check.ts.'),
        timeout: duration('how long it may take', limits.authenticatorTimeoutMs)
          .default(defaults.authenticatorTimeout)
          .describe('How long it may take.'),
      },
      'the name of a function, or a map with uses',
    ),
  ],
  'the name of a function, or a map with uses',
)

const wayModel = z.strictObject(
  {
    id: identifier().optional().describe('What event.auth.by calls it. Without it, its family.'),
    apiKey: apiKeyModel.optional().describe('A key in a header.'),
    basic: basicModel.optional().describe('Name and password, as HTTP has it.'),
    hmac: hmacModel.optional().describe('A signature over the event.'),
    jwt: jwtModel.optional().describe('A signed token, as OpenID Connect has it.'),
    mtls: mtlsModel.optional().describe('The certificate of the HTTP client.'),
    sasl: saslModel.optional().describe('What a trusted producer says in a header of the record.'),
    function: functionModel.optional().describe('A function of yours that authenticates.'),
  },
  `a map with one of ${families.join(', ')}`,
)

const waysExpected = 'a list of ways to authenticate, such as [{ apiKey: { keys: my_keys } }]'
const ways = () =>
  z.array(wayModel, waysExpected).min(1, waysExpected).max(limits.waysMax, `at most ${limits.waysMax} ways`)

export const authModel = z
  .union(
    [
      ways(),
      z.strictObject({ any: ways().describe('The first that finds somebody out is enough.') }, waysExpected),
      z.strictObject(
        {
          all: z
            .array(z.union([wayModel, ways()], waysExpected), waysExpected)
            .min(1, waysExpected)
            .max(limits.waysMax, `at most ${limits.waysMax} ways`)
            .describe('Each must find somebody out; of a list in it any. The first says who it is.'),
        },
        waysExpected,
      ),
    ],
    waysExpected,
  )
  .optional()
  .describe('Who may send the events that start it: a list, of which any is enough, or a map with any or all.')
