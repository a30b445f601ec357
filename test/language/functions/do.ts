/** Does something outside, after a while if it is told so, whoever would stop it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction, z } from 'millrace'
import { asked, given, say } from '../outside/asked.ts'
import { called, done, untilCalled, untilMended } from '../outside/book.ts'

export default defineFunction({
  input: z.object({
    ...asked,
    afterMs: z.number().default(0),
    /** Not before this was called. */
    after: z.string().optional(),
    /** Not before this is mended. */
    until: z.string().optional(),
  }),
  async run({ input, context }) {
    called(context, input.what)
    await untilCalled(context, input.after)
    await untilMended(context, input.until)
    if (input.afterMs > 0) await sleep(input.afterMs)
    done(context, input.what)
    say(context, input)
    return given(input, context)
  },
})
