/** Must not run twice on a guess: when it throws, nobody knows what it did, and it stands in doubt. */
import { defineFunction, z } from 'millrace'
import { asked, given, say } from '../outside/asked.ts'
import { called, done } from '../outside/book.ts'

export default defineFunction({
  idempotent: false,
  input: z.object({ ...asked, throws: z.boolean().default(true) }),
  run({ input, context }) {
    called(context, input.what)
    done(context, input.what)
    if (input.throws) throw new Error('the connection was reset')
    say(context, input)
    return given(input, context)
  },
})
