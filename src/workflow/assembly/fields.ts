/** Fields that several kinds of steps have, as a plan holds them. */
import { assert } from '../../base/assert.ts'
import { parseDuration } from '../duration.ts'
import { defaults } from '../limits.ts'
import type { Meaning } from '../meaning/check.ts'
import type { RetryFile } from '../model/calling.ts'
import type { MessageFile, MessagesFile } from '../model/publish.ts'
import type { JoinFile } from '../model/step.ts'
import type { Expression, Join, Publication, RetryPolicy, Template } from '../plan.ts'

/** `path`: where they stand in the file, as `labelOf` writes it. */
export function publications(file: MessagesFile | undefined, path: string, meaning: Meaning): readonly Publication[] {
  if (file === undefined) return []
  if (!Array.isArray(file)) return [publication(file, path, meaning)]
  return file.map((each, place) => publication(each, `${path}[${place}]`, meaning))
}

function publication({ topic, cloudevents }: MessageFile, path: string, meaning: Meaning): Publication {
  const { expressions, formats } = meaning
  const value = templateAt(`${path}.value`, meaning)
  const headers = templateAt(`${path}.headers`, meaning)
  const when = expressions.get(`${path}.when`) ?? null
  const key = expressions.get(`${path}.key`) ?? null
  const format = formats.get(`${path}.format`) ?? null
  const event = cloudevents && { mode: cloudevents.mode, attributes: templateAt(`${path}.cloudevents`, meaning) }
  return { topic, key, value, headers, when, format, event: event ?? null }
}

export function retryPolicy(file: RetryFile | undefined): RetryPolicy {
  const { attempts, backoff, initial, max, jitter, budget, on, never }: RetryFile = file ?? defaults.retry
  return {
    attempts,
    backoff: { shape: backoff, initialMs: ms(initial), maxMs: ms(max), jitter },
    budgetMs: budget === undefined ? null : ms(budget),
    on: on ?? null,
    never: never ?? [],
  }
}

export function joinOf({ join }: JoinFile): Join {
  return join === 'any' ? 1 : join
}

/** Of a field that must be there. */
export function expressionAt(path: string, { expressions }: Meaning): Expression {
  const expression = expressions.get(path)
  assert(expression, `${path} was compiled`)
  return expression
}

export function templateAt(path: string, { templates }: Meaning): Template {
  const template = templates.get(path)
  assert(template, `${path} was compiled`)
  return template
}

export function ms(text: string): number {
  const value = parseDuration(text)
  assert(value !== null, `${text} was checked to be a duration`)
  return value
}
