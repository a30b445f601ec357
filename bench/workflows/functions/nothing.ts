import { defineFunction, z } from 'millrace'

export default defineFunction({
  input: z.object({ n: z.number() }),
  output: z.object({ n: z.number() }),
  run: ({ input }) => ({ n: input.n }),
})
