/** What functions of these cases may be asked for besides what they are named for. */
import { type Context, z } from 'millrace'

export const asked = {
  /** What it does outside, in the book; else its step's id. */
  what: z.string().optional(),
  give: z.json().optional(),
  post: z
    .array(
      z.object({
        debit: z.string(),
        credit: z.string(),
        amount: z.int(),
        currency: z.string().default('EUR'),
        party: z.string().optional(),
        key: z.string().optional(),
      }),
    )
    .default([]),
  emit: z.array(z.object({ topic: z.string(), key: z.string().optional(), value: z.json() })).default([]),
}

type Asked = z.infer<z.ZodObject<typeof asked>>

export function say(context: Context, { post, emit }: Pick<Asked, 'post' | 'emit'>): void {
  for (const posting of post) context.post(posting)
  for (const message of emit) context.emit(message)
}

export function given({ give, what }: Pick<Asked, 'give' | 'what'>, context: Context): unknown {
  return give === undefined ? { id: what ?? context.step } : give
}
