/**
 * Undoes a step that moved money once under its own idempotency key, whatever became of it: voids what was done under that key,
 * and what may still come with it. The step's postings are reversed by the engine.
 */
import { type Context, type Failure, fail, z } from 'millrace'
import { entrySchema, voidMovement, wasRefused } from './provider.ts'

export const undoInput = z.object({
  /** What the step gave; null when nobody knows. */
  output: entrySchema.nullable(),
})

export const undoOutput = z.object({
  /** Minor units that went back; 0 when nothing had been moved. */
  voided: z.int().nonnegative(),
})

export async function undoMovement(context: Context): Promise<z.infer<typeof undoOutput> | Failure> {
  if (context.forwardKey === null) return fail('not_a_compensation', 'it undoes a step, and was called as one')
  const done = await voidMovement(context.forwardKey, context.idempotencyKey, context)
  return wasRefused(done) ? done : { voided: done.amount }
}
