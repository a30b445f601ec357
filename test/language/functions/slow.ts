/** Does something outside at once, and takes its time to say so; it gives up when its signal says that nobody needs it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction, z } from 'millrace'
import { asked, given } from '../outside/asked.ts'
import { called, done } from '../outside/book.ts'

export default defineFunction({
  input: z.object({ ...asked, ms: z.number() }),
  async run({ input, context }) {
    called(context, input.what)
    done(context, input.what)
    await sleep(input.ms, undefined, { signal: context.signal })
    return given(input, context)
  },
})
