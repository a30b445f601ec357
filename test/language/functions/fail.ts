/** Fails for good, having done nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction, fail, z } from 'millrace'
import { called, untilCalled } from '../outside/book.ts'

export default defineFunction({
  input: z.object({
    code: z.string().default('refused'),
    /** False: it does not. */
    really: z.boolean().default(true),
    give: z.json().optional(),
    afterMs: z.number().default(0),
    /** Not before this was called. */
    after: z.string().optional(),
    /** What it gives to Kafka and to the ledger before it fails: nobody is to see it. */
    say: z.boolean().default(false),
  }),
  async run({ input, context }) {
    const { code, really, give, afterMs, after } = input
    called(context)
    await untilCalled(context, after)
    if (afterMs > 0) await sleep(afterMs)
    if (!really) return give ?? null
    if (input.say) {
      context.emit({ topic: 'nobody', value: 1 })
      context.post({ debit: 'a', credit: 'b', amount: 1, currency: 'EUR' })
    }
    return fail(code, 'it will not be')
  },
})
