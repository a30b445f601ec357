/** Says that the receipt of this transaction does not hold, whether or not one was given out. */
import { defineFunction, z } from 'millrace'

export default defineFunction({
  input: z.object({ topic: z.string() }),
  output: z.object({ receipt: z.string() }),
  run({ input, context }) {
    const receipt = context.transactionId
    context.emit({ topic: input.topic, key: receipt, value: { receipt, state: 'void' } })
    return { receipt }
  },
})
