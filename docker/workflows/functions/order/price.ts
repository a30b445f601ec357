/** Adds up an order, in minor units of one currency. */
import { defineFunction, z } from 'millrace'

const line = z.object({ quantity: z.int().positive(), unit_minor: z.int().nonnegative() })

export default defineFunction({
  input: z.object({ lines: z.array(line).nonempty() }),
  output: z.object({ total_minor: z.int() }),
  async run({ input }) {
    return { total_minor: input.lines.reduce((total, { quantity, unit_minor }) => total + quantity * unit_minor, 0) }
  },
})
