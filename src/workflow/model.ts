// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here speak of the placeholders of workflow files
/**
 * The shape of a workflow file: one model, from which the check, the types and the JSON Schema for editors come. The
 * message of each rule says what was expected; what is wrong and how to mend it is worked out from the value.
 */
import { z } from 'zod'
import { durationPattern, formatDuration, parseDuration } from './duration.ts'
import { defaults, limits } from './limits.ts'
import { topicPattern } from './message.ts'
import { splitPlaceholders } from './placeholder.ts'

export type WorkflowFile = z.infer<typeof workflowModel>
export type StepFile = z.infer<typeof stepModel>
export type MessageFile = z.infer<typeof messageModel>

const nameExpected = `a name of a-z, 0-9, _ and -, that begins with a letter, up to ${limits.nameCharsMax} long`
const idExpected = `an id of a-z, 0-9 and _, that begins with a letter, up to ${limits.nameCharsMax} long`
const usesExpected = 'the name of a function: a path inside of functions/ without its ending, such as stock/reserve'
const topicExpected = `a topic's name: letters, digits, . _ and -, up to ${limits.topicCharsMax} long`
const fromExpected = 'earliest, latest or a time such as 2026-01-31T00:00:00Z'
const withExpected = 'a map of inputs, or one ${{ }} that gives the whole input'
const valueExpected = 'the value to publish: a map, a list, a text or a number, with CEL inside of ${{ }}'
const headerExpected = 'a text, a number, or true or false'
const messageExpected = 'a message: a map with topic and value'
const stepExpected = 'a step with id and uses'

export const namePattern = new RegExp(`^[a-z][a-z0-9_-]{0,${limits.nameCharsMax - 1}}$`)
/** No `-`: CEL reads `steps.a-b.output` as a subtraction. */
export const idPattern = new RegExp(`^(?!(?:in|true|false|null)$)[a-z][a-z0-9_]{0,${limits.nameCharsMax - 1}}$`)
export const usesPattern = /^[a-z0-9_-]+(?:\/[a-z0-9_-]+)*$/

const stepTimeout = duration('how long one attempt may run', limits.stepTimeoutMs).describe(
  'How long one attempt may run; its process is killed then.',
)
const retryDelay = (description: string) => duration('a wait', limits.retryDelayMs).describe(description)
const attemptsExpected = `a whole number from 1 to ${limits.attemptsMax}`
const yesOrNo = () => z.boolean('true or false')

const retryModel = z.strictObject(
  {
    attempts: z
      .int(attemptsExpected)
      .min(1, attemptsExpected)
      .max(limits.attemptsMax, attemptsExpected)
      .default(defaults.retry.attempts)
      .describe('All attempts, the first included.'),
    backoff: z
      .enum(['exponential', 'fixed'], 'exponential or fixed')
      .default(defaults.retry.backoff)
      .describe('exponential doubles the wait with every attempt; fixed keeps it.'),
    initial: retryDelay('The wait before the second attempt.').default(defaults.retry.initial),
    max: retryDelay('The longest wait between two attempts.').default(defaults.retry.max),
    jitter: yesOrNo()
      .default(defaults.retry.jitter)
      .describe('Takes up to half of each wait away, so that failed steps do not come back all at once.'),
  },
  'a map with attempts, backoff, initial, max, jitter',
)

const messageModel = z.strictObject(
  {
    topic: topic().describe('The topic it is published to.'),
    key: z
      .string('a CEL expression')
      .optional()
      .describe('CEL: messages of one key go to one partition, in order. Without it, the message has no key.'),
    value: z
      .unknown()
      .refine((value) => value !== undefined && value !== null, valueExpected)
      .describe('What is published, as JSON: literals, and CEL inside of ${{ }}. One that gives null is a tombstone.'),
    headers: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()], headerExpected), 'a map of headers')
      .optional()
      .describe('By name: texts, with CEL inside of ${{ }}. One that gives null is left out.'),
    when: z
      .string('a CEL expression in quotes')
      .optional()
      .describe('CEL that gives true or false; on false nothing is published.'),
  },
  messageExpected,
)

const messagesModel = () =>
  z.union(
    [
      messageModel,
      z
        .array(messageModel, messageExpected)
        .min(1, 'at least one message')
        .max(limits.publishMax, `at most ${limits.publishMax} messages`),
    ],
    messageExpected,
  )

const endingsModel = z.strictObject(
  {
    completed: messagesModel()
      .optional()
      .describe('Published when the transaction has completed: one message, or a list.'),
    failed: messagesModel()
      .optional()
      .describe(
        'Published when the transaction has failed: one message, or a list. It sees error.code and error.message.',
      ),
  },
  'a map with completed, failed',
)

const stepModel = z.strictObject(
  {
    id: z
      .string(idExpected)
      .regex(idPattern, idExpected)
      .describe('Unique in the file. Later steps read steps.<id>.output.'),
    uses: z
      .string(usesExpected)
      .max(limits.usesCharsMax, usesExpected)
      .regex(usesPattern, usesExpected)
      .describe('The function: stock/reserve is functions/stock/reserve.ts beside this file.'),
    with: z
      .union(
        [z.record(z.string(), z.unknown()), z.string(withExpected).refine(isOnePlaceholder, withExpected)],
        withExpected,
      )
      .optional()
      .describe('The input of the function: literals, and CEL inside of ${{ }}. It sees nothing else.'),
    when: z
      .string('a CEL expression in quotes')
      .optional()
      .describe('CEL that gives true or false; on false the step is skipped and its output is null.'),
    retry: retryModel.optional().describe('What happens after a failed attempt.'),
    timeout: stepTimeout.default(defaults.timeout),
    optional: yesOrNo().default(false).describe('Its failure does not fail the transaction; its output is then null.'),
    publish: messagesModel()
      .optional()
      .describe('Published when the step has ended well: one message, or a list. It sees the output of the step.'),
  },
  stepExpected,
)

const kafkaModel = z.strictObject(
  {
    topic: topic().describe('The topic whose records start this workflow.'),
    type: z
      .string('a CloudEvents type')
      .min(1, 'a CloudEvents type')
      .max(limits.typeCharsMax, `a CloudEvents type up to ${limits.typeCharsMax} long`)
      .optional()
      .describe('Only events of this CloudEvents type; without it, all.'),
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
      by: z
        .string('a CEL expression')
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

export const workflowModel = z
  .strictObject(
    {
      name: z.string(nameExpected).regex(namePattern, nameExpected).describe('Unique among the workflows of a folder.'),
      on: z
        .strictObject(
          {
            kafka: z
              .union([topic(), kafkaModel], 'a topic, or a map with topic')
              .describe('The topic whose records start this workflow.'),
          },
          'a map with kafka',
        )
        .describe('What starts the workflow.'),
      key: z
        .string('a CEL expression')
        .optional()
        .describe("CEL over the event: transactions of one key run one after the other. Without it, the record's key."),
      deduplicate: deduplicateModel
        .optional()
        .describe('Copies of one event start nothing; false takes every record for a new one.'),
      publish: endingsModel.optional().describe('Messages to Kafka about how a transaction ended, by its ending.'),
      deadLetter: deadLetterModel.optional().describe('What is done with records and transactions that are given up.'),
      timeout: duration('how long the whole may take', limits.workflowTimeoutMs)
        .optional()
        .describe('From admission to the end, the time spent waiting behind the key included. Without it, no limit.'),
      steps: z
        .array(stepModel, 'a list of steps, each begun with "- id:"')
        .min(1, 'at least one step')
        .max(limits.stepsMax, `at most ${limits.stepsMax} steps`)
        .describe('They run one after the other.'),
    },
    'a map with name, on and steps',
  )
  .describe('A Millrace workflow.')

/** RFC 3339 -> milliseconds since 1970, or null; a day that the month does not have is none. */
export function parseTime(text: string): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/.exec(text)
  const timeMs = match ? Date.parse(text) : Number.NaN
  if (Number.isNaN(timeMs) || timeMs < 0) return null
  const midnight = new Date(`${match![1]}T00:00:00Z`)
  return midnight.toISOString().startsWith(match![1]!) ? timeMs : null
}

function isOnePlaceholder(text: string): boolean {
  const split = splitPlaceholders(text.trim())
  return 'unclosed' in split || (split.parts.length === 1 && typeof split.parts[0] === 'object')
}

function topic() {
  return z.string(topicExpected).regex(topicPattern, topicExpected)
}

function duration(what: string, { min, max }: { readonly min: number; readonly max: number }) {
  const expected = `${what}: a duration such as 50ms, 2s, 1m, 8h or 1h30m, from ${formatDuration(min)} to ${formatDuration(max)}`
  return z
    .string(expected)
    .regex(durationPattern, { error: expected, abort: true })
    .refine((text) => {
      const ms = parseDuration(text)
      return ms !== null && ms >= min && ms <= max
    }, expected)
}
