/** What a workflow file says of the HTTP door: which requests start it, and how they are answered. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here speak of the placeholders of workflow files
import { z } from 'zod'
import { defaults, limits } from '../limits.ts'
import { pathPattern, rateOf, sizeOf } from '../route.ts'
import { duration, identifier, template, topic } from './fields.ts'
import { eventFormat, schemaField } from './format.ts'

export type HttpFile = z.infer<typeof httpModel>

const methodExpected = 'POST, PUT or GET, or a list of them'
const pathExpected = 'a path such as /films or /films/{film}: letters, digits, - . _ ~, and {names} between slashes'
const sizeExpected = 'a size such as 64KiB or 1MiB, up to 16MiB'
const rateExpected = 'so many in a time, such as 100/s or 20/m'
const statusExpected = 'a status from 200 to 299'
const failedStatusExpected = 'a status from 400 to 599'
const answerExpected = 'what is answered: a map, or one ${{ }}'

const method = () => z.enum(['POST', 'PUT', 'GET'], methodExpected)

const failedModel = z.strictObject(
  {
    status: z
      .int(failedStatusExpected)
      .min(400, failedStatusExpected)
      .max(599, failedStatusExpected)
      .default(defaults.http.failedStatus)
      .describe('The status of the answer when the transaction has ended otherwise than completed.'),
    with: template(answerExpected)
      .optional()
      .describe('The answer then; it sees error.code and error.message. Without it, a problem with the code.'),
  },
  'a map with status, with',
)

const respondModel = z.strictObject(
  {
    wait: duration('how long a request waits for its result', limits.httpWaitMs).describe(
      'How long a request waits for its result; when the time is over, it is answered 202 with the status URL.',
    ),
    after: identifier('the id of a step')
      .optional()
      .describe('The step after which it is answered, outside of any forEach. Without it, the end.'),
    with: template(answerExpected)
      .optional()
      .describe(
        'The answer, as JSON; it sees event and steps. Without it, the output of that step, or of the last one.',
      ),
    status: z
      .int(statusExpected)
      .min(200, statusExpected)
      .max(299, statusExpected)
      .default(defaults.http.status)
      .describe('The status of the answer.'),
    failed: failedModel.optional().describe('How it is answered when the transaction has not completed.'),
  },
  'a map with wait, after, with, status, failed',
)

export const httpModel = z.strictObject(
  {
    method: z
      .union([method(), z.array(method(), methodExpected).min(1, methodExpected)], methodExpected)
      .default(defaults.http.method)
      .describe('The methods of its requests: POST, PUT, GET.'),
    path: z
      .string(pathExpected)
      .max(limits.pathCharsMax, pathExpected)
      .regex(pathPattern, pathExpected)
      .describe('The path of its requests; {name} stands for one segment, which is event.http.path.name.'),
    topic: topic()
      .optional()
      .describe('The topic that its requests are written to, made when it is missing. Without it, http.NAME.'),
    format: eventFormat,
    schema: schemaField(),
    respond: respondModel.optional().describe('Wait for the result and answer with it. Without it, 202 at once.'),
    maxBytes: z
      .string(sizeExpected)
      .refine((text) => (sizeOf(text) ?? Number.POSITIVE_INFINITY) <= limits.httpBytesMax, sizeExpected)
      .default(defaults.http.maxBytes)
      .describe('A larger body is refused.'),
    rate: z
      .string(rateExpected)
      .refine((text) => rateOf(text) !== null, rateExpected)
      .optional()
      .describe('Requests of one principal, or of one address where nobody is authenticated. Without it, no limit.'),
  },
  'a map with path',
)
