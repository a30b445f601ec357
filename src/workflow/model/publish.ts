/** Messages to Kafka, as a workflow file writes them. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here speak of the placeholders of workflow files
import { z } from 'zod'
import { limits } from '../limits.ts'
import { cel, condition, topic } from './fields.ts'

export type MessageFile = z.infer<typeof messageModel>
export type MessagesFile = MessageFile | MessageFile[]

const valueExpected = 'the value to publish: a map, a list, a text or a number, with CEL inside of ${{ }}'
const headerExpected = 'a text, a number, or true or false'
const messageExpected = 'a message: a map with topic and value'

const messageModel = z.strictObject(
  {
    topic: topic().describe('The topic it is published to.'),
    key: cel()
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
    when: condition().optional().describe('CEL that gives true or false; on false nothing is published.'),
  },
  messageExpected,
)

const messagesModel = z.union(
  [
    messageModel,
    z
      .array(messageModel, messageExpected)
      .min(1, 'at least one message')
      .max(limits.publishMax, `at most ${limits.publishMax} messages`),
  ],
  messageExpected,
)

export const stepMessages = messagesModel
  .optional()
  .describe('Published when the step has ended well: one message, or a list. It sees the output of the step.')

export const endingMessages = z
  .strictObject(
    {
      completed: messagesModel
        .optional()
        .describe('Published when the transaction has completed: one message, or a list.'),
      failed: messagesModel
        .optional()
        .describe(
          'Published when the transaction has failed: one message, or a list. It sees error.code and error.message.',
        ),
    },
    'a map with completed, failed',
  )
  .optional()
  .describe('Messages to Kafka about how a transaction ended, by its ending.')
