/** Messages to Kafka, as a workflow file writes them. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here speak of the placeholders of workflow files
import { z } from 'zod'
import { limits } from '../limits.ts'
import { cel, condition, topic } from './fields.ts'
import { messageFormatField } from './format.ts'

export type MessageFile = z.infer<typeof messageModel>
export type MessagesFile = MessageFile | MessageFile[]

const valueExpected = 'the value to publish: a map, a list, a text or a number, with CEL inside of ${{ }}'
const headerExpected = 'a text, a number, or true or false'
const messageExpected = 'a message: a map with topic and value'

const attributeExpected = 'a text, with CEL inside of ${{ }}'
const attribute = () => z.string(attributeExpected).min(1, attributeExpected)
const extensionExpected = 'a name of a-z and 0-9, up to 20 long'

const eventModel = z.strictObject(
  {
    mode: z
      .enum(['binary', 'structured'], 'binary or structured')
      .default('binary')
      .describe('binary: attributes are headers, the value is the data; structured: the value is the whole event.'),
    type: attribute().describe('What has happened, such as film.started.'),
    source: attribute()
      .optional()
      .describe('Where it comes from. Without it, /workflows/ and the name of the workflow.'),
    id: attribute()
      .optional()
      .describe('Unique for its source. Without it, the id of the message, which is the same after a crash.'),
    subject: attribute().optional().describe('What it is about.'),
    time: attribute().optional().describe('When it happened, RFC 3339.'),
    dataschema: attribute().optional().describe('Address of the schema of its data.'),
    extensions: z
      .record(
        z.string().regex(/^[a-z0-9]{1,20}$/, extensionExpected),
        z.union([z.string(), z.number(), z.boolean()], headerExpected),
        'a map of attributes',
      )
      .optional()
      .describe('Further attributes by name. One that gives null is left out.'),
  },
  'a map with type',
)

const messageModel = z.strictObject(
  {
    topic: topic().describe('The topic it is published to.'),
    key: cel()
      .optional()
      .describe('CEL: messages of one key go to one partition, in order. Without it, the message has no key.'),
    value: z
      .unknown()
      .refine((value) => value !== undefined && value !== null, valueExpected)
      .describe('What is published: literals, and CEL inside of ${{ }}. One that gives null is a tombstone.'),
    headers: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()], headerExpected), 'a map of headers')
      .optional()
      .describe('By name: texts, with CEL inside of ${{ }}. One that gives null is left out.'),
    format: messageFormatField().describe(
      'How the value is written; without it, as JSON. It says so in the header content-type, but where a schema of a registry says it.',
    ),
    cloudevents: eventModel.optional().describe('What makes it a CloudEvent.'),
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
