/** Does something outside, and gives what it had promised not to give. */
import { defineFunction, z } from 'millrace'
import { done } from '../outside/book.ts'

export default defineFunction({
  output: z.object({ id: z.string() }),
  run({ context }) {
    done(context)
    return { id: 17 } as never
  },
})
