/** What a step or an ending publishes, made when it has ended. The same again gives the same ids. */
import { EngineError, messageOf } from '../base/error.ts'
import { type Json, parseJson } from '../envelope/json.ts'
import { type Form, type Written, written } from '../envelope/written.ts'
import { keyText } from '../workflow/expression/compile.ts'
import { limits } from '../workflow/limits.ts'
import type { Publication, Scope } from '../workflow/plan.ts'
import { asText } from '../workflow/template.ts'
import type { Emitted } from './attempt.ts'
import type { Place } from './draft.ts'
import type { RecordMessage } from './effect.ts'
import { messageId } from './ids.ts'
import { nameOf } from './rows.ts'
import { progressOf } from './steps.ts'
import { nothing, type Output, type Transaction } from './transaction.ts'

/** Of a step that has ended well, then what its function emitted. Throws `EngineError` with what its author must mend. */
export function messagesOfStep(
  transaction: Transaction,
  { step, frame }: Place,
  emitted: readonly Emitted[],
): readonly RecordMessage[] {
  if (step.publish.length === 0 && emitted.length === 0) return none
  const of = { transaction, step: step.no, cause: inRound(transaction, nameOf(step, frame.item)) }
  const own =
    step.publish.length === 0 ? none : step.publish.flatMap((each, n) => published(each, frame.scope(), of, n))
  return [...own, ...emitted.map((each, n) => ofEmitted(each, of, step.publish.length + n))]
}

/** Its value came as JSON text, and is left alone where it is to be that. */
function ofEmitted(emitted: Emitted, of: Cause, n: number): RecordMessage {
  const { topic, key, value, headers, form } = emitted
  if (form === undefined) return record(of, n, emitted)
  const event = form.event && { ...form.event, attributes: { ...saidOf(of, n), ...form.event.attributes } }
  try {
    const message = {
      topic,
      key,
      ...written(value === null ? null : parseJson(value), topic, headers, { ...form, event }),
    }
    checkSize(message)
    return record(of, n, message)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new EngineError(error.code, `emit to ${topic}: ${messageOf(error)}`, { cause: error })
  }
}

/** Nothing that was said in the first round is said under the same id in another. */
function inRound({ round }: Transaction, cause: string): string {
  return round === 1 ? cause : `${cause}@${round}`
}

/** Throws `EngineError`, with which the transaction fails. */
export function messagesOfCompleted(transaction: Transaction): readonly RecordMessage[] {
  const { completed } = transaction.plan.publish
  if (completed.length === 0) return none
  const of = { transaction, step: null, cause: inRound(transaction, '/completed') }
  return completed.flatMap((each, n) => published(each, scopeAtEnd(transaction), of, n))
}

/** It has failed already: what cannot be made is kept with the reason. */
export function messagesOfFailed(
  transaction: Transaction,
  error: { readonly code: string; readonly message: string },
): readonly RecordMessage[] {
  const { failed } = transaction.plan.publish
  if (failed.length === 0) return none
  const of = { transaction, step: null, cause: inRound(transaction, '/failed') }
  const scope = { ...scopeAtEnd(transaction), error }
  return failed.flatMap((each, n) => {
    try {
      return published(each, scope, of, n)
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown
      return [refused(of, n, each.topic, thrown)]
    }
  })
}

const none: readonly RecordMessage[] = Object.freeze([])

/** What causes a message. `cause`: a step's id, or an ending, which no id looks like. */
interface Cause {
  readonly transaction: Transaction
  readonly step: number | null
  readonly cause: string
}

/** Nothing more comes, or what does is not asked for: the output of what has not run is null. */
export function scopeAtEnd(transaction: Transaction): Scope {
  const steps: Record<string, Output> = {}
  for (const step of transaction.plan.steps) {
    if (step.kind === 'undo' || step.within.length > 0) continue
    const { state, output } = progressOf(transaction, step.no)
    steps[step.id] = state === 'ok' ? output : nothing
  }
  return { event: transaction.envelope, steps }
}

/** One, or none when its `when` is false. */
function published(publication: Publication, scope: Scope, of: Cause, n: number): RecordMessage[] {
  const { topic, key, value, headers, when } = publication
  try {
    if (when !== null && when.evaluate(scope) !== true) return []
    const message = {
      topic,
      key: key === null ? null : keyText(key.evaluate(scope), key.source),
      ...written(value.render(scope), topic, textsOf(headers.render(scope)), formOf(publication, scope, of, n)),
    }
    checkSize(message)
    return [record(of, n, message)]
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new EngineError(error.code, `publish to ${topic}: ${messageOf(error)}`, { cause: error })
  }
}

function formOf({ format, event }: Publication, scope: Scope, of: Cause, n: number): Form {
  if (event === null) return { format, event }
  const { mode: _, extensions, ...attributes } = event.attributes.render(scope) as { [name: string]: Json }
  const said = { ...textsOf(extensions ?? {}), ...textsOf(attributes) }
  return { format, event: { mode: event.mode, attributes: { ...saidOf(of, n), ...said } } }
}

/** What a CloudEvent says whose author does not. The id is the same when it is made again. */
function saidOf(of: Cause, n: number): Record<string, string> {
  return { id: placeOf(of, n).id, source: `/workflows/${of.transaction.plan.name}` }
}

function textsOf(rendered: Json): Record<string, string> {
  const given = Object.entries(rendered as Readonly<Record<string, Json>>).filter(([, value]) => value !== null)
  return Object.fromEntries(given.map(([name, value]) => [name, asText(value)]))
}

interface Message extends Written {
  readonly topic: string
  readonly key: string | null
}

function checkSize({ key, value, headers }: Message): void {
  const texts = [key ?? '', value ?? '', ...Object.entries(headers).flat()]
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes <= limits.messageBytesMax) return
  throw new EngineError('message_too_large', `the message has ${bytes} bytes, ${limits.messageBytesMax} are allowed`)
}

function record(of: Cause, n: number, { topic, key, value, headers }: Message): RecordMessage {
  return { type: 'RecordMessage', row: { ...placeOf(of, n), topic, key, value, headers, error: null } }
}

function refused(of: Cause, n: number, topic: string, error: EngineError): RecordMessage {
  const message = `${error.code}: ${messageOf(error)}`
  return {
    type: 'RecordMessage',
    row: { ...placeOf(of, n), topic, key: null, value: null, headers: {}, error: message },
  }
}

function placeOf({ transaction, step, cause }: Cause, n: number) {
  return { id: messageId(`${transaction.id}/${cause}/${n}`), transactionId: transaction.id, step, n }
}
