/**
 * Opens the viewing session and says where the browser is sent. The session's id comes from the idempotency key, so
 * that a second attempt opens the same one.
 */
import { createHash } from 'node:crypto'
import { defineFunction, fail, z } from 'millrace'
import { readWorld } from '../../video/world.ts'

export default defineFunction({
  input: z.object({ host: z.string(), film: z.string(), language: z.string() }),
  output: z.object({ session: z.string(), location: z.url() }),
  async run({ input, context }) {
    const { films } = await readWorld()
    if (!films.some(({ id }) => id === input.film)) return fail('unknown_film', `no film ${input.film}`)
    const session = createHash('sha256').update(`session:${context.idempotencyKey}`).digest('base64url').slice(0, 22)
    const location = new URL(`https://${input.host}/watch/${encodeURIComponent(input.film)}`)
    location.search = new URLSearchParams({ session, lang: input.language }).toString()
    return { session, location: location.href }
  },
})
