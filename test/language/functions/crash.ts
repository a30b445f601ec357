/** Takes its process down so many times. */
import { defineFunction, z } from 'millrace'
import { done } from '../outside/book.ts'

export default defineFunction({
  concurrency: 1,
  input: z.object({ times: z.int().default(100) }),
  run({ input: { times }, context }) {
    done(context)
    if (context.attempt <= times) process.exit(3)
    return { attempts: context.attempt }
  },
})
