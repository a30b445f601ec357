/**
 * The kinds of steps. Which one a step is, is told by the field that only it has; what a block holds are steps again.
 */
import { z } from 'zod'
import { defaults, limits } from '../limits.ts'
import { callingFields, eventData } from './calling.ts'
import { cel, condition, count, duration, identifier, topic, workflowName, yesOrNo } from './fields.ts'
import { type MessagesFile, stepMessages } from './publish.ts'

export type InvokeFile = z.infer<typeof invokeModel>
export type SleepFile = z.infer<typeof sleepModel>
export type WaitFile = z.infer<typeof waitModel>
export type CallFile = z.infer<typeof callModel>
export type StepFile = InvokeFile | SleepFile | WaitFile | CallFile | ParallelFile | ForEachFile | SwitchFile
/** What has steps in it holds its own type, so these are written out. */
export interface ParallelFile extends CommonFile, JoinFile {
  parallel: Record<string, BranchFile>
}
export interface ForEachFile extends CommonFile, JoinFile {
  forEach: string
  as: string
  atOnce: number
  steps: StepFile[]
}
export interface SwitchFile extends CommonFile {
  switch: { when?: string | undefined; steps: StepFile[] }[]
}
export type BranchFile = StepFile[] | { steps: StepFile[] }
export interface CommonFile {
  id: string
  when?: string | undefined
  require?: string | undefined
  optional: boolean
  publish?: MessagesFile | undefined
}
export interface JoinFile {
  join: 'all' | 'each' | 'any' | number
  others: 'cancel' | 'finish'
}

/** The field that makes a step what it is, in the order of the union below. */
export const kindFields = ['uses', 'parallel', 'forEach', 'switch', 'sleep', 'wait', 'call'] as const
export type KindField = (typeof kindFields)[number]

const common = {
  id: identifier().describe('Unique in the file. Later steps read steps.<id>.output.'),
  when: condition()
    .optional()
    .describe('CEL that gives true or false; on false the step is skipped and its output is null.'),
  require: condition()
    .optional()
    .describe(
      'CEL that must give true when the step begins, such as "admin" in event.auth.roles; else it fails with forbidden.',
    ),
  optional: yesOrNo().default(false).describe('Its failure does not fail what it is part of; its output is then null.'),
  publish: stepMessages,
}

const invokeModel = z.strictObject({
  id: common.id,
  uses: callingFields.uses,
  with: callingFields.with,
  when: common.when,
  require: common.require,
  retry: callingFields.retry,
  timeout: callingFields.timeout,
  optional: common.optional,
  compensate: callingFields.compensate,
  publish: common.publish,
})

/** The steps of a block, or of the whole. */
export const stepsModel: z.ZodType<StepFile[]> = z.lazy(() =>
  z.array(stepModel, 'a list of steps, each begun with "- id:"').min(1, 'at least one step').meta({ id: 'steps' }),
)

const joinExpected = 'all, each, any, or how many must end well'

const join = z
  .union([z.enum(['all', 'each', 'any'], joinExpected), count(limits.itemsMax)], joinExpected)
  .default(defaults.join)
  .describe('all: one failure fails it; each: every one may fail; any: one must end well; a number: so many must.')

const others = z
  .enum(['cancel', 'finish'], 'cancel or finish')
  .default(defaults.others)
  .describe('What becomes of those that still run once it is decided how it ends: they are cancelled, or may finish.')

const branchExpected = 'a list of steps, or a map with steps'
const branchesExpected = 'a map of branches: a name for each, and its list of steps'

const parallelModel = z.strictObject({
  ...common,
  parallel: z
    .record(
      identifier('a name'),
      z.union(
        [stepsModel, z.strictObject({ steps: stepsModel.describe('They run one after the other.') }, branchExpected)],
        branchExpected,
      ),
      branchesExpected,
    )
    .refine((branches) => Object.keys(branches).length > 0, branchesExpected)
    .refine((branches) => Object.keys(branches).length <= limits.branchesMax, `at most ${limits.branchesMax} branches`)
    .describe('Branches by name, each a list of steps: they run beside each other.'),
  join,
  others,
})

const forEachModel = z.strictObject({
  ...common,
  forEach: cel('a CEL expression that gives a list').describe('CEL that gives a list: its steps run for each item.'),
  as: identifier('a name')
    .default(defaults.item)
    .describe('What expressions inside call the item; with _index behind it, its place from 0.'),
  atOnce: count(limits.atOnceMax).default(defaults.atOnce).describe('So many items run at once.'),
  join,
  others,
  steps: stepsModel.describe('What is done for each item, one after the other.'),
})

const caseExpected = 'a case: a map with when and steps'

const switchModel = z.strictObject({
  ...common,
  switch: z
    .array(
      z.strictObject(
        {
          when: condition()
            .optional()
            .describe('CEL that gives true or false. The last case may be without it: it is taken when no other is.'),
          steps: stepsModel.describe('They run one after the other.'),
        },
        caseExpected,
      ),
      'a list of cases, each with when and steps',
    )
    .min(1, 'at least one case')
    .max(limits.branchesMax, `at most ${limits.branchesMax} cases`)
    .describe('Cases: the first whose when is true is taken.'),
})

const sleepExpected = 'a duration such as 30m, or a map with until'

const sleepModel = z.strictObject({
  ...common,
  sleep: z
    .union(
      [
        duration('how long it sleeps', limits.sleepMs),
        z.strictObject(
          { until: cel().describe('CEL that gives a time: a timestamp, or an RFC 3339 text.') },
          sleepExpected,
        ),
      ],
      sleepExpected,
    )
    .describe('So long; or until a time.'),
})

const waitModel = z.strictObject({
  ...common,
  wait: z
    .strictObject(
      {
        topic: topic().describe('The topic of the event it waits for.'),
        key: cel().describe('CEL: the business key that the event must have.'),
        match: condition().optional().describe('CEL over signal and all else: a further condition. Without it, none.'),
        timeout: duration('how long it waits', limits.waitMs)
          .optional()
          .describe('How long it waits. Without it, as long as the transaction may run.'),
        onTimeout: z
          .enum(['fail', 'continue'], 'fail or continue')
          .default(defaults.onTimeout)
          .describe('fail: the step fails with wait_timeout; continue: it ends well, its output is null.'),
      },
      'a map with topic and key',
    )
    .describe('Waits for an event with a business key, which may have come before.'),
})

const callModel = z.strictObject({
  ...common,
  call: workflowName().describe('The workflow to run, as a transaction of its own.'),
  with: eventData,
})

const stepModel: z.ZodType<StepFile> = z
  .union(
    [invokeModel, parallelModel, forEachModel, switchModel, sleepModel, waitModel, callModel],
    'a step with id and uses',
  )
  .meta({ id: 'step' })
