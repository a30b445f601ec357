/** Players that were paired with an account have a code instead of a token: its hash is what the world knows of it. */
import { createHash } from 'node:crypto'
import { type AuthenticationInput, defineFunction, fail } from 'millrace'
import { readWorld } from '../../video/world.ts'

export default defineFunction({
  authenticates: true,
  async run({ input }) {
    const code = (input as AuthenticationInput).headers['x-pairing-code']
    if (typeof code !== 'string') return fail('no_code', 'there is no pairing code')
    const { pairings } = await readWorld()
    const paired = pairings[createHash('sha256').update(code, 'utf8').digest('hex')]
    if (paired === undefined) return fail('unknown_code', 'nobody was paired with it')
    return { principal: paired.viewer, claims: { plan: paired.plan } }
  },
})
