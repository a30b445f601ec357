/** The likely fix of a value that the model refuses, told from where it stands and what it is. */
import { guessDuration } from './duration.ts'
import { limits } from './limits.ts'
import type { Path } from './places.ts'
import { shorten } from './problem.ts'

export function mend(path: Path, value: unknown): string {
  const field = typeof path.at(-1) === 'number' ? '[]' : String(path.at(-1) ?? 'file')
  const fix = Object.hasOwn(fixes, field) ? fixes[field] : undefined
  return fix?.(value) ?? otherwise(value)
}

const durationFix = (value: unknown) => {
  const guess = guessDuration(value)
  if (guess === value) return 'stay within these bounds'
  return guess ? `write ${guess}` : 'write a whole number with its unit'
}

const slugFix = (separator: string) => (value: unknown) => {
  const name = slug(scalar(value), separator)
  return typeof value === 'string' && name !== value && name !== '' ? `write ${name}` : null
}

const boolFix = (value: unknown) => {
  if (/^(yes|on|y|1)$/i.test(scalar(value))) return 'write true'
  return /^(no|off|n|0)$/i.test(scalar(value)) ? 'write false' : null
}

/** A map or a list has no word that could be mended. */
function scalar(value: unknown): string {
  return typeof value === 'object' ? '' : String(value)
}

/** By the field's last name; null leaves it to `otherwise`. */
const fixes: Record<string, ((value: unknown) => string | null) | undefined> = {
  name: slugFix('-'),
  id: (value) => (/^(in|true|false|null)$/.test(scalar(value)) ? `write ${scalar(value)}_step` : slugFix('_')(value)),
  uses: (value) => (typeof value === 'string' ? usesFix(value) : null),
  timeout: durationFix,
  within: durationFix,
  initial: durationFix,
  max: durationFix,
  attempts: (value) => (typeof value === 'number' ? `write ${nearestAttempts(value)}` : null),
  backoff: () => 'write exponential or fixed',
  jitter: boolFix,
  optional: boolFix,
  on: (value) =>
    typeof value === 'string' ? `write on: { kafka: ${shorten(value)} }` : 'write on: { kafka: my-topic }',
  kafka: (value) => (typeof value === 'string' ? slugFix('-')(value) : 'write kafka: my-topic'),
  topic: slugFix('-'),
  from: () => 'write earliest, latest, or the time in full with its zone',
  retry: (value) => `write retry: { attempts: ${typeof value === 'number' ? nearestAttempts(value) : 3} }`,
  steps: () => 'write "- id: first" under it, with "uses:" below',
  '[]': () => 'write "id:" and "uses:" for it',
  with: () => 'write one input per line: "name: value"',
  publish: () => 'write publish: { topic: my-topic, value: … }',
  completed: () => 'write completed: { topic: my-topic, value: … }',
  failed: boolFix,
  deduplicate: () => 'write false, or name what is the same under by:',
  deadLetter: (value) => (typeof value === 'string' ? `write deadLetter: { topic: ${shorten(value)} }` : null),
  value: () => 'write one field per line: "name: value"',
  headers: () => 'write one header per line: "name: text"',
  key: expressionFix,
  when: expressionFix,
  file: () => 'begin with "name:"',
}

function otherwise(value: unknown): string {
  return value === null ? 'give it a value or remove it' : 'write what is expected'
}

function expressionFix(value: unknown): string {
  return typeof value === 'object' ? 'write the expression on one line, in quotes' : 'put the expression in quotes'
}

function usesFix(value: string): string {
  const bare = value.replace(/^(?:\.\/)?(?:functions\/)?/, '').replace(/\.(?:ts|js|mjs)$/, '')
  const name = bare
    .split('/')
    .map((part) => slug(part, '-'))
    .join('/')
  if (value.includes('..')) return 'put the function under functions/ and name it from there'
  return name !== '' && name !== value ? `write ${name}, and name the file so` : 'name the file in lower case'
}

function nearestAttempts(value: number): number {
  return Math.min(Math.max(Math.round(value) || 1, 1), limits.attemptsMax)
}

function slug(text: string, separator: string): string {
  const words = text
    .slice(0, limits.nameCharsMax)
    .replace(/([a-z0-9])([A-Z])/g, `$1${separator}$2`)
    .toLowerCase()
  return words.replace(/[^a-z0-9_]+/g, separator).replace(/^[^a-z]+|[-_]+$/g, '')
}
