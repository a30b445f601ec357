/** What the customer is told. */
import { defineFunction, z } from 'millrace'

export default defineFunction({
  input: z.object({ customer: z.string(), total_minor: z.int() }),
  output: z.object({ message: z.string() }),
  async run({ input, context }) {
    context.log.info('confirmed', { customer: input.customer })
    return { message: `${input.customer} owes ${input.total_minor}` }
  },
})
