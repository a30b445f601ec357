/**
 * Runs the video functions one after the other as `video-stream.yaml` does, without an engine: inputs and outputs are
 * checked, a retry is tried again at once with the same idempotency key.
 */
import { type Context, type Failure, type FunctionDefinition, retry, z } from 'millrace'
import type { DemoRequest } from '../../demo/world/requests.ts'
import authenticateSite from '../../workflows/functions/video/authenticate-site.ts'
import authenticateUser from '../../workflows/functions/video/authenticate-user.ts'
import bill from '../../workflows/functions/video/bill.ts'
import pay from '../../workflows/functions/video/pay.ts'
import record from '../../workflows/functions/video/record.ts'
import selectAds from '../../workflows/functions/video/select-ads.ts'
import selectServer from '../../workflows/functions/video/select-server.ts'
import startSession from '../../workflows/functions/video/start-session.ts'

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
export async function runChain(request: DemoRequest, attemptsMax = 6) {
  const { viewer, film, site, payment } = JSON.parse(request.value.toString())
  const { authorization, 'x-api-key': api_key } = request.headers
  const run = <I, O>(step: string, definition: FunctionDefinition<I, O>, input: unknown) =>
    runStep(step, definition, input, request.id, attemptsMax)

  const user = await run('authenticate_user', authenticateUser, { authorization, viewer: viewer.id })
  const partner = await run('authenticate_site', authenticateSite, { site: site.id, api_key })
  const server = await run('select_server', selectServer, viewer)
  const session = await run('start_session', startSession, {
    host: server.host,
    film: film.id,
    language: viewer.language,
  })
  const asked = { country: viewer.country, film: film.id }
  const ads = user.plan === 'basic' ? await run('select_ads', selectAds, asked).catch(nullWhenFailed) : null
  const who = { viewer: viewer.id, country: viewer.country, plan: user.plan, card: payment.card }
  const billed = await run('bill', bill, { ...who, ads })
  const { currency, total } = billed
  const paid = await run('pay', pay, { currency, total, film: film.id, region: server.region })
  const about = {
    viewer: viewer.id,
    site: partner.site,
    film: film.id,
    region: server.region,
    session: session.session,
  }
  const receipt = await run('record', record, { ...about, billed, paid })
  return { server, session, ads, billed, paid, receipt }
}

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

/** An optional step that failed has no output. */
function nullWhenFailed(error: unknown): null {
  if (error instanceof StepFailed) return null
  throw error
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
