/** Gives back what it is given. */
import { defineFunction } from 'millrace'

export default defineFunction({ effects: 'none', run: ({ input }) => input })
