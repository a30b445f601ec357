/** Undoes what its step did, or may have done. */
import { defineFunction, fail, retry, z } from 'millrace'
import { asked, say } from '../outside/asked.ts'
import { isMended, undone } from '../outside/book.ts'

export default defineFunction({
  input: z.object({
    ...asked,
    /** What its step gave. */
    output: z.json().optional(),
    /** It cannot before this is mended. */
    until: z.string().optional(),
    /** So many attempts are in vain. */
    busy: z.int().default(0),
  }),
  run({ input, context }) {
    if (input.until !== undefined && !isMended(context, input.until)) return fail('cannot_undo', 'it is broken')
    if (context.attempt <= input.busy) return retry('busy', 'not now')
    undone(context)
    say(context, input)
    return input.output ?? null
  },
})
