/**
 * Runs one of the video functions without an engine: input and output are checked, a retry is tried again at once with the same
 * idempotency key.
 */
import { type Context, type Failure, type FunctionDefinition, retry, z } from 'millrace'

/** A step's final failure, thrown to end the chain. */
export class StepFailed extends Error {
  readonly step: string
  readonly code: string

  constructor(step: string, failure: Failure) {
    super(`${step}: ${failure.code}: ${failure.message}`)
    this.step = step
    this.code = failure.code
  }
}

/** Rejects with `StepFailed`. */
export async function runStep<I, O>(
  step: string,
  definition: FunctionDefinition<I, O>,
  input: unknown,
  transactionId: string,
  attemptsMax: number,
  more: Partial<Context> = {},
): Promise<O> {
  for (let attempt = 1; ; attempt += 1) {
    const checked = definition.input!.parse(input)
    const context = { ...contextOf(step, transactionId, attempt), ...more }
    const outcome = await attemptOf(definition, checked, context)
    if (!isFailure(outcome)) return definition.output!.parse(outcome)
    if (outcome.kind === 'fail' || attempt === attemptsMax) throw new StepFailed(step, outcome)
  }
}

/** A plain throw is tried again. */
async function attemptOf<I, O>({ run }: FunctionDefinition<I, O>, input: I, context: Context): Promise<O | Failure> {
  try {
    return await run({ input, context })
  } catch (error) {
    if (error instanceof z.ZodError) throw error
    const { code = 'thrown', message } = error as Error & { code?: string }
    return retry(code, message)
  }
}

function contextOf(step: string, transactionId: string, attempt: number): Context {
  const nothing = () => {}
  return {
    transactionId,
    workflow: 'video-stream',
    step,
    attempt,
    idempotencyKey: `${transactionId}:${step}`,
    direction: 'forward',
    forwardKey: null,
    traceparent: null,
    deadline: new Date(Date.now() + 10_000),
    signal: AbortSignal.timeout(10_000),
    emit: nothing,
    post: nothing,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  }
}

function isFailure<O>(outcome: O | Failure): outcome is Failure {
  return typeof outcome === 'object' && outcome !== null && 'kind' in outcome
}
