/**
 * Tears a viewing session down: the one it is told, or, as the compensation of its start, the one that was or will be started. Once
 * ended, a session does not start any more.
 */
import { defineFunction, fail, z } from 'millrace'
import { askSessions, sessionOf } from '../../video/sessions.ts'

export default defineFunction({
  input: z.object({ session: z.string().optional() }),
  output: z.object({ session: z.string() }),
  async run({ input, context }) {
    const session = context.forwardKey === null ? input.session : sessionOf(context.forwardKey)
    if (session === undefined) return fail('no_session', 'it is told no session')
    return (await askSessions('DELETE', session, null, context)) ?? { session }
  },
})
