/** Fields that stand in several places of a workflow file, and what is expected of each, in words. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here speak of the placeholders of workflow files
import { z } from 'zod'
import { parseSecretPath } from '../../envelope/secret-path.ts'
import { durationPattern, formatDuration, parseDuration } from '../duration.ts'
import { limits } from '../limits.ts'
import { topicPattern } from '../message.ts'
import { splitPlaceholders } from '../placeholder.ts'

export const namePattern = new RegExp(`^[a-z][a-z0-9_-]{0,${limits.nameCharsMax - 1}}$`)
/** No `-`: CEL reads `steps.a-b.output` as a subtraction. */
export const idPattern = new RegExp(`^(?!(?:in|true|false|null)$)[a-z][a-z0-9_]{0,${limits.nameCharsMax - 1}}$`)
export const usesPattern = /^[a-z0-9_-]+(?:\/[a-z0-9_-]+)*$/

const nameExpected = `a name of a-z, 0-9, _ and -, that begins with a letter, up to ${limits.nameCharsMax} long`
const idOf = (what: string) => `${what} of a-z, 0-9 and _, that begins with a letter, up to ${limits.nameCharsMax} long`
const topicExpected = `a topic's name: letters, digits, . _ and -, up to ${limits.topicCharsMax} long`

export function workflowName() {
  return z.string(nameExpected).regex(namePattern, nameExpected)
}

export function identifier(what = 'an id') {
  return z.string(idOf(what)).regex(idPattern, idOf(what))
}

export function topic() {
  return z.string(topicExpected).regex(topicPattern, topicExpected)
}

export function yesOrNo() {
  return z.boolean('true or false')
}

/** A whole expression; in quotes where YAML would read it as something else. */
export function cel(expected = 'a CEL expression') {
  return z.string(expected)
}

/** A condition. */
export function condition() {
  return cel('a CEL expression in quotes')
}

export function count(most: number) {
  const expected = `a whole number from 1 to ${most}`
  return z.int(expected).min(1, expected).max(most, expected)
}

export function duration(what: string, { min, max }: { readonly min: number; readonly max: number }) {
  const expected = `${what}: a duration such as 50ms, 2s, 1m, 8h or 1h30m, from ${formatDuration(min)} to ${formatDuration(max)}`
  return z
    .string(expected)
    .regex(durationPattern, { error: expected, abort: true })
    .refine((text) => {
      const ms = parseDuration(text)
      return ms !== null && ms >= min && ms <= max
    }, expected)
}

/** A map of literals and placeholders, or one placeholder that gives the whole. */
export function template(expected: string) {
  return z.union([z.record(z.string(), z.unknown()), z.string(expected).refine(isOnePlaceholder, expected)], expected)
}

function isOnePlaceholder(text: string): boolean {
  const split = splitPlaceholders(text.trim())
  return 'unclosed' in split || (split.parts.length === 1 && typeof split.parts[0] === 'object')
}

const pathExpected = 'the place of a field, such as data.card, data.cards[*].number or meta.x-card'

/** By the place of the field. */
export const classifyModel = z
  .record(
    z.string().refine((text) => parseSecretPath(text) !== null, pathExpected),
    z.literal('secret', 'secret'),
    'a map: the place of a field, and secret',
  )
  .optional()

/** RFC 3339 -> milliseconds since 1970, or null; a day that the month does not have is none. */
export function parseTime(text: string): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/.exec(text)
  const timeMs = match ? Date.parse(text) : Number.NaN
  if (Number.isNaN(timeMs) || timeMs < 0) return null
  const midnight = new Date(`${match![1]}T00:00:00Z`)
  return midnight.toISOString().startsWith(match![1]!) ? timeMs : null
}
