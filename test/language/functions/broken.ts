/** Fails for good until somebody has mended what it needs. */
import { defineFunction, fail, z } from 'millrace'
import { asked, given, say } from '../outside/asked.ts'
import { done, isMended } from '../outside/book.ts'

export default defineFunction({
  input: z.object({ ...asked, until: z.string() }),
  run({ input, context }) {
    if (!isMended(context, input.until)) return fail('broken', `${input.until} is to be mended`)
    done(context, input.what)
    say(context, input)
    return given(input, context)
  },
})
