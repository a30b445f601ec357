/** Gives the list of the numbers below `to`. */
import { defineFunction, z } from 'millrace'

export default defineFunction({
  effects: 'none',
  input: z.object({ to: z.int() }),
  run: ({ input: { to } }) => Array.from({ length: to }, (_, at) => at),
})
