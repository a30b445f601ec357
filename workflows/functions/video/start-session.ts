/** Opens the viewing session and says where the browser is sent. */
import { defineFunction, fail, z } from 'millrace'
import { askSessions, sessionOf } from '../../video/sessions.ts'
import { readWorld } from '../../video/world.ts'

export default defineFunction({
  input: z.object({ host: z.string(), film: z.string(), language: z.string() }),
  output: z.object({ session: z.string(), location: z.url() }),
  async run({ input, context }) {
    const { films } = await readWorld()
    if (!films.some(({ id }) => id === input.film)) return fail('unknown_film', `no film ${input.film}`)
    const session = sessionOf(context.idempotencyKey)
    const { host, film } = input
    const failure = await askSessions('PUT', session, { host, film }, context)
    if (failure !== null) return failure
    const location = new URL(`https://${host}/watch/${encodeURIComponent(film)}`)
    location.search = new URLSearchParams({ session, lang: input.language }).toString()
    return { session, location: location.href }
  },
})
