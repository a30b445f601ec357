/** Who is asking: verifies the user's token (a JWT signed with ES256) and gives back what it says of them. */
import { errors, importJWK, type JWK, jwtVerify } from 'jose'
import { defineFunction, type Failure, fail, z } from 'millrace'
import { planSchema, readWorld, type World } from '../../video/world.ts'

export default defineFunction({
  input: z.object({ authorization: z.string(), viewer: z.string() }),
  output: z.object({ viewer: z.string(), plan: planSchema }),
  async run({ input }) {
    const { tokens } = await readWorld()
    const claims = await verify(input.authorization, tokens)
    if ('code' in claims) return claims
    if (claims.sub !== input.viewer) return fail('token_invalid', 'the token is another viewer’s')
    return { viewer: claims.sub, plan: claims.plan }
  },
})

const claimsSchema = z.object({ sub: z.string(), plan: planSchema })

async function verify(
  authorization: string,
  { publicKey, issuer, audience }: World['tokens'],
): Promise<z.infer<typeof claimsSchema> | Failure> {
  const token = /^Bearer (\S+)$/.exec(authorization)?.[1]
  if (token === undefined) return fail('token_invalid', 'the authorization header is not “Bearer <token>”')
  try {
    const { payload } = await jwtVerify(token, await keyOf(publicKey), { issuer, audience, algorithms: ['ES256'] })
    return claimsSchema.parse(payload)
  } catch (error) {
    return refusal(error)
  }
}

/** Imported once: that costs more than a verification. */
function keyOf(publicKey: JWK): Promise<VerifyKey> {
  const known = keys.get(publicKey)
  if (known !== undefined) return known
  const key = importJWK(publicKey, 'ES256')
  keys.set(publicKey, key)
  return key
}

type VerifyKey = Awaited<ReturnType<typeof importJWK>>

const keys = new WeakMap<JWK, Promise<VerifyKey>>()

function refusal(error: unknown): Failure {
  if (error instanceof errors.JWTExpired) return fail('token_expired', 'the token is past its time')
  if (error instanceof errors.JOSEError) return fail('token_invalid', error.message)
  if (error instanceof z.ZodError) return fail('token_invalid', 'the token lacks a claim')
  throw error
}
