/**
 * The shape of a workflow file: one model, from which the check, the types and the JSON Schema for editors come. The
 * message of each rule says what was expected; what is wrong and how to mend it is worked out from the value.
 */
import { z } from 'zod'
import { defaults, limits } from '../limits.ts'
import { topicPattern } from '../message.ts'
import { authModel } from './auth.ts'
import { cel, classifyModel, duration, parseTime, topic, workflowName, yesOrNo } from './fields.ts'
import { eventFormat, schemaField } from './format.ts'
import { httpModel } from './http.ts'
import { endingMessages } from './publish.ts'
import { stepsModel } from './step.ts'

export type WorkflowFile = z.infer<typeof workflowModel>

const fromExpected = 'earliest, latest or a time such as 2026-01-31T00:00:00Z'

const kafkaModel = z.strictObject(
  {
    topic: topic().describe('The topic whose records start this workflow.'),
    type: z
      .string('a CloudEvents type')
      .min(1, 'a CloudEvents type')
      .max(limits.typeCharsMax, `a CloudEvents type up to ${limits.typeCharsMax} long`)
      .optional()
      .describe('Only events of this CloudEvents type; without it, all.'),
    format: eventFormat,
    schema: schemaField(),
    from: z
      .string(fromExpected)
      .refine((text) => text === 'earliest' || text === 'latest' || parseTime(text) !== null, fromExpected)
      .default(defaults.from)
      .describe('Where a partition that was never read begins: earliest, latest or an RFC 3339 time.'),
  },
  'a map with topic',
)

const deduplicateExpected = 'false, or a map with by and within'

const deduplicateModel = z.union(
  [
    z.literal(false, deduplicateExpected),
    z.strictObject({
      by: cel()
        .optional()
        .describe(
          'CEL over the event: what gives the same value is the same event. Without it, id and source of CloudEvents.',
        ),
      within: duration('how long a copy is known as one', limits.deduplicateMs)
        .default(defaults.deduplicate.within)
        .describe('How far apart in record time two copies may be.'),
    }),
  ],
  deduplicateExpected,
)

const deadLetterModel = z.strictObject(
  {
    topic: topic().optional().describe('A copy of each dead letter is published here, byte for byte.'),
    failed: yesOrNo().default(false).describe('A transaction that fails leaves its record as a dead letter, too.'),
  },
  'a map with topic, failed',
)

const signalModel = z.strictObject(
  {
    key: cel()
      .optional()
      .describe("CEL over the event: its business key, which waits name. Without it, the record's key."),
    keep: duration('how long an event is kept', limits.keepMs)
      .default(defaults.signal.keep)
      .describe('How long an event is kept for those who do not wait for it yet, in record time.'),
    format: eventFormat,
    take: z
      .enum(['all', 'first'], 'all or first')
      .default(defaults.signal.take)
      .describe('Who gets an event: everyone who waits for its key, or the first who takes it.'),
    classify: classifyModel.describe('Fields of its events that are secret: they are not kept with them.'),
  },
  'a map with key, keep, take, format, classify',
)

const onExpected = 'a map with kafka, http or both'

const topicKey = `a topic's name: letters, digits, . _ and -, up to ${limits.topicCharsMax} long`

export const workflowModel = z
  .strictObject(
    {
      name: workflowName().describe('Unique among the workflows of a folder.'),
      on: z
        .strictObject(
          {
            kafka: z
              .union([topic(), kafkaModel], 'a topic, or a map with topic')
              .optional()
              .describe('The topic whose records start this workflow.'),
            http: httpModel.optional().describe('The HTTP requests that start this workflow.'),
          },
          onExpected,
        )
        .refine((on) => on.kafka !== undefined || on.http !== undefined, onExpected)
        .optional()
        .describe('What starts the workflow. Without it, only a step with call of another workflow does.'),
      auth: authModel,
      key: cel()
        .optional()
        .describe("CEL over the event: transactions of one key run one after the other. Without it, the record's key."),
      order: z
        .enum(['key', 'strict', 'none'], 'key, strict or none')
        .default(defaults.order)
        .describe(
          'key: the next of a key starts when the one before has ended, sleeps or waits; strict: when it has ended; none: keys give no order.',
        ),
      deduplicate: deduplicateModel
        .optional()
        .describe('Copies of one event start nothing; false takes every record for a new one.'),
      classify: classifyModel.describe(
        'Fields of the event that are secret: only the functions whose with: names them are given them.',
      ),
      publish: endingMessages,
      deadLetter: deadLetterModel.optional().describe('What is done with records and transactions that are given up.'),
      startWithin: duration('how long it may wait for its start', limits.workflowTimeoutMs)
        .optional()
        .describe('From admission to the start: who has waited longer fails with queue_timeout. Without it, no limit.'),
      timeout: duration('how long the whole may take', limits.workflowTimeoutMs)
        .optional()
        .describe('From admission to the end, the time spent waiting behind the key included. Without it, no limit.'),
      signals: z
        .record(z.string().regex(topicPattern, topicKey), signalModel, 'a map: topic, and what holds for its events')
        .optional()
        .describe('By topic: how the events that steps with wait take are told apart, kept and given out.'),
      steps: stepsModel.describe(`They run one after the other; at most ${limits.stepsMax}, nested ones included.`),
    },
    'a map with name, on and steps',
  )
  .describe('A Millrace workflow.')
