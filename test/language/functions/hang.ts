/** Never ends, and hears no signal: its process is killed at its deadline. Each has a process of its own, so that no other goes with it. */
import { defineFunction, z } from 'millrace'
import { called, done } from '../outside/book.ts'

export default defineFunction({
  concurrency: 1,
  input: z.object({ what: z.string().optional(), does: z.boolean().default(true) }),
  run({ input: { what, does }, context }) {
    called(context, what)
    if (does) done(context, what)
    return new Promise<null>(() => undefined)
  },
})
