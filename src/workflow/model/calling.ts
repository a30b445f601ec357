/** How a function is called, by a step or to undo one: its input, its time, and what follows a failure. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here speak of the placeholders of workflow files
import { z } from 'zod'
import { defaults, limits } from '../limits.ts'
import { count, duration, template, usesPattern, yesOrNo } from './fields.ts'

export type RetryFile = z.infer<typeof retryModel>
export type CompensateFile = z.infer<typeof compensateModel>

const usesExpected = 'the name of a function: a path inside of functions/ without its ending, such as stock/reserve'
const withExpected = 'a map of inputs, or one ${{ }} that gives the whole input'
const codesExpected = 'a list of error codes, such as [card_declined]'

function functionName() {
  return z.string(usesExpected).max(limits.usesCharsMax, usesExpected).regex(usesPattern, usesExpected)
}

function delay(description: string) {
  return duration('a wait', limits.retryDelayMs).describe(description)
}

function codes() {
  return z
    .array(z.string(codesExpected).min(1, codesExpected).max(limits.codeCharsMax, codesExpected), codesExpected)
    .min(1, codesExpected)
    .max(limits.codesMax, `at most ${limits.codesMax} codes`)
    .optional()
}

const retryModel = z.strictObject(
  {
    attempts: count(limits.attemptsMax).default(defaults.retry.attempts).describe('All attempts, the first included.'),
    backoff: z
      .enum(['exponential', 'fixed'], 'exponential or fixed')
      .default(defaults.retry.backoff)
      .describe('exponential doubles the wait with every attempt; fixed keeps it.'),
    initial: delay('The wait before the second attempt.').default(defaults.retry.initial),
    max: delay('The longest wait between two attempts.').default(defaults.retry.max),
    jitter: yesOrNo()
      .default(defaults.retry.jitter)
      .describe('Takes up to half of each wait away, so that failed steps do not come back all at once.'),
    budget: duration('how long after the first attempt another may begin', limits.retryBudgetMs)
      .optional()
      .describe('No attempt is begun later than this after the first. Without it, attempts alone is the limit.'),
    on: codes().describe('Only failures with these codes are tried again. Without it, all that may be.'),
    never: codes().describe('Failures with these codes are final.'),
  },
  'a map with attempts, backoff, initial, max, jitter, budget, on, never',
)

const timeout = duration('how long one attempt may run', limits.stepTimeoutMs)
  .default(defaults.timeout)
  .describe('How long one attempt may run; its process is killed then.')

const retry = retryModel.optional().describe('What happens after a failed attempt.')

const netExpected = 'a map from account to minor units, or one ${{ }} that gives it'
const compensateExpected = 'the name of a function, or a map with uses'

const compensateModel = z.union(
  [
    functionName(),
    z.strictObject(
      {
        uses: functionName().describe('The function that undoes the step.'),
        with: template(withExpected)
          .optional()
          .describe(
            'Its input: literals, and CEL inside of ${{ }}. It sees what its step saw, and output: what that gave, null when nobody knows. Without it, { output }.',
          ),
        retry,
        timeout,
        postings: z
          .enum(['reverse', 'own'], 'reverse or own')
          .default(defaults.postings)
          .describe('reverse writes the reversals of the postings of the step; own leaves them to this function.'),
        net: template(netExpected)
          .optional()
          .describe(
            'With postings: own, what accounts may come to, forward and undo together: account to minor units. Others must come to 0.',
          ),
      },
      compensateExpected,
    ),
  ],
  compensateExpected,
)

/** What a step has that runs a function. */
export const callingFields = {
  uses: functionName().describe('The function: stock/reserve is functions/stock/reserve.ts beside this file.'),
  with: template(withExpected)
    .optional()
    .describe('The input of the function: literals, and CEL inside of ${{ }}. It sees nothing else.'),
  retry,
  timeout,
  compensate: compensateModel
    .optional()
    .describe('What undoes the step when the transaction fails or is cancelled: a function, or a map with uses.'),
}

/** What the workflow that a step calls is given. */
export const eventData = template('a map of data, or one ${{ }} that gives all of it')
  .optional()
  .describe('The data of the event it starts with: literals, and CEL inside of ${{ }}.')
