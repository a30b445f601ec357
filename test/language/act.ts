/** What is done in a case: events are published, states are waited for, and operators ask for something. */
import { z } from 'zod'

export type Act = z.infer<typeof actModel>
export type Publish = z.infer<typeof publishModel>
export type Request = z.infer<typeof requestModel>
export type Until = z.infer<typeof untilModel>

/** Of a transaction: the id of its event, and behind it the steps that call the sub-workflow meant: `a/pay`. */
const transaction = z.string()
/** An operator's wish that is not granted: words of the answer. */
const refused = z.string().optional()
const why = z.string().default('a test')

const publishModel = z.strictObject({
  /** The event's id. */
  publish: z.string(),
  topic: z.string().default('events'),
  key: z.string().optional(),
  type: z.string().default('case'),
  data: z.json().default({}),
  /** In place of `data`: the value as it is sent. */
  text: z.string().optional(),
  headers: z.record(z.string(), z.string()).default({}),
})

const requestModel = z.strictObject({
  /** The event's id. */
  request: z.string(),
  path: z.string(),
  data: z.json().default({}),
  /** What is answered: the status, and the body where that matters. */
  status: z.int(),
  answer: z.json().optional(),
})

const untilModel = z.strictObject({
  until: transaction,
  /** State of the transaction, or of this step (`bill[0]` of an item). */
  is: z.string().optional(),
  step: z.string().optional(),
  /** This is called, or done, outside. */
  called: z.string().optional(),
})

const actModel = z.union([
  publishModel,
  requestModel,
  untilModel,
  z.strictObject({ rest: z.int() }),
  z.strictObject({ cancel: transaction, why, refused }),
  z.strictObject({ compensate: transaction, why, refused }),
  z.strictObject({ retry: transaction, from: z.string().optional(), input: z.json().optional(), why, refused }),
  z.strictObject({
    resolve: transaction,
    step: z.string(),
    outcome: z.enum(['ok', 'fail']),
    output: z.json().optional(),
    why,
    refused,
  }),
  z.strictObject({ pause: z.string(), key: z.string().optional(), why }),
  z.strictObject({ resume: z.string(), key: z.string().optional(), why }),
  /** What `undo` or `broken` of this case needs works from now on. */
  z.strictObject({ mend: z.string() }),
])

export function actsOf(file: unknown): Act[] {
  return z.array(actModel).parse(file)
}
