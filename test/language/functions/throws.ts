/** Does something outside, and throws: nobody knows what it did. */
import { defineFunction, z } from 'millrace'
import { done } from '../outside/book.ts'

export default defineFunction({
  input: z.object({ what: z.string().optional(), times: z.int().default(100) }),
  run({ input: { what, times }, context }) {
    done(context, what)
    if (context.attempt <= times) throw new Error('the connection was reset')
    return { attempts: context.attempt }
  },
})
