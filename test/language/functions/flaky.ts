/** Asks for another attempt a number of times, then gives how many it took. */
import { defineFunction, retry, z } from 'millrace'

export default defineFunction({
  input: z.object({
    times: z.int(),
    code: z.string().default('busy'),
    /** Of the last one in vain. */
    lastCode: z.string().optional(),
    afterMs: z.number().optional(),
  }),
  run({ input: { times, code, lastCode, afterMs }, context }) {
    if (context.attempt > times) return { attempts: context.attempt }
    const said = context.attempt === times ? (lastCode ?? code) : code
    return retry(said, 'not now', afterMs === undefined ? {} : { afterMs })
  },
})
