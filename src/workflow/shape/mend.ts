/** The likely fix of a value that the model refuses, told from where it stands and what it is. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here speak of the placeholders of workflow files
import { guessDuration, parseDuration } from '../duration.ts'
import { limits } from '../limits.ts'
import type { Path } from '../places.ts'
import { shorten } from '../problem.ts'

export function mend(path: Path, value: unknown): string {
  const field = nameOf(path.at(-1) ?? 'file')
  const parent = nameOf(path.at(-2) ?? 'file')
  const fix = fixes[`${parent}.${field}`] ?? fixes[`${parent}.*`] ?? fixes[field]
  return fix?.(value) ?? otherwise(value)
}

function nameOf(segment: string | number): string {
  return typeof segment === 'number' ? '[]' : segment
}

const durationFix = (value: unknown) => {
  if (typeof value === 'string' && parseDuration(value) !== null) return 'stay within these bounds'
  const guess = guessDuration(value)
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

const topicFix = slugFix('-')
const timesFix = (value: unknown) => (typeof value === 'number' ? `write ${nearestAttempts(value)}` : null)
const codesFix = (value: unknown) =>
  typeof value === 'string' ? `write [${shorten(value)}]` : 'write [a_code, another]'

/** By the field's last name, or its last two, the last perhaps of the author's choice; null leaves it to `otherwise`. */
const fixes: Record<string, ((value: unknown) => string | null) | undefined> = Object.assign(Object.create(null), {
  name: slugFix('-'),
  id: (value) => (/^(in|true|false|null)$/.test(scalar(value)) ? `write ${scalar(value)}_step` : slugFix('_')(value)),
  as: slugFix('_'),
  uses: (value) => (typeof value === 'string' ? usesFix(value) : null),
  timeout: durationFix,
  startWithin: durationFix,
  within: durationFix,
  keep: durationFix,
  budget: durationFix,
  initial: durationFix,
  max: durationFix,
  sleep: durationFix,
  'method.*': () => 'write POST, PUT or GET',
  'http.path': () => 'write it with a slash at its front, none at its end, and names in lower case',
  maxBytes: () => 'write a whole number with KiB or MiB, such as 64KiB',
  rate: (value) => (Number.isInteger(value) ? `write ${value}/s` : 'write a whole number, a slash, and s, m or h'),
  'respond.wait': durationFix,
  'respond.with': () => 'write a map, or one expression in ${{ }}',
  'failed.with': () => 'write a map, or one expression in ${{ }}',
  'respond.status': () => 'write 200, or leave it out',
  'failed.status': () => 'write 422, or leave it out',
  attempts: timesFix,
  atOnce: () => 'write how many at once, such as 10',
  join: () => 'write all, each, any, or a number such as 2',
  others: () => 'write cancel or finish',
  order: () => 'write key, strict or none',
  take: () => 'write all or first',
  postings: () => 'write reverse or own',
  onTimeout: () => 'write fail or continue',
  backoff: () => 'write exponential or fixed',
  jitter: boolFix,
  optional: boolFix,
  'retry.on': codesFix,
  'retry.never': codesFix,
  'on.[]': () => 'write the code as a text',
  'never.[]': () => 'write the code as a text',
  on: (value) =>
    typeof value === 'string' ? `write on: { kafka: ${shorten(value)} }` : 'write on: { kafka: my-topic }',
  kafka: (value) => (typeof value === 'string' ? topicFix(value) : 'write kafka: my-topic'),
  topic: topicFix,
  format: (value) =>
    typeof value === 'object'
      ? 'write one of csv and avro, with what belongs to it under it'
      : 'write one of them, such as format: yaml',
  subject: () => 'write subject: my-topic-value',
  version: () => 'write latest, or the number of a version',
  message: () => 'write message: MyMessage',
  columns: () => 'write a list of different names, such as [id, name]',
  delimiter: () => 'write delimiter: ";", or another character',
  schema: () => 'write schema: schemas/my-event.json, or the schema under it',
  cloudevents: () => 'write cloudevents: { type: my.event }',
  mode: () => 'write binary or structured',
  'extensions.*': () => 'write a text',
  extension: slugFix(''),
  from: () => 'write earliest, latest, or the time in full with its zone',
  retry: (value) => `write retry: { attempts: ${typeof value === 'number' ? nearestAttempts(value) : 3} }`,
  steps: () => 'write "- id: first" under it, with "uses:" below',
  parallel: () => 'write a name for each branch, with its steps under it',
  'parallel.*': () => 'write its steps under it, each begun with "- id:"',
  switch: () => 'write "- when:" and "steps:" under it for each case',
  'switch.[]': () => 'write "when:" and "steps:" for it',
  forEach: (value) => (Array.isArray(value) ? 'write the list as CEL, in quotes: "[1, 2]"' : expressionFix(value)),
  until: expressionFix,
  wait: (value) => (typeof value === 'string' ? `write wait: { topic: ${shorten(value)}, key: … }` : null),
  call: slugFix('-'),
  classify: () => 'write one field per line: "data.card: secret"',
  secretPath: (value) => secretPathFix(scalar(value)),
  'classify.*': () => 'write secret',
  signals: () => 'write the topic and a map under it: "my-topic: { keep: 1h }"',
  'signals.*': (value) => (guessDuration(value) ? `write { keep: ${shorten(scalar(value))} }` : 'write {} or a map'),
  compensate: (value) => (typeof value === 'string' ? usesFix(value) : 'write the name of a function'),
  net: () => 'write one account per line: "account: amount"',
  '[]': () => 'write "id:" and "uses:" for it',
  with: () => 'write one input per line: "name: value"',
  publish: () => 'write publish: { topic: my-topic, value: … }',
  completed: () => 'write completed: { topic: my-topic, value: … }',
  failed: boolFix,
  deduplicate: () => 'write false, or name what is the same under by:',
  deadLetter: (value) => (typeof value === 'string' ? `write deadLetter: { topic: ${shorten(value)} }` : null),
  value: () => 'write one field per line: "name: value"',
  headers: () => 'write one header per line: "name: text"',
  by: expressionFix,
  key: expressionFix,
  match: expressionFix,
  when: expressionFix,
  require: expressionFix,
  tolerance: durationFix,
  keys: slugFix('_'),
  users: slugFix('_'),
  secret: slugFix('_'),
  'algorithms.[]': () => 'write one of them, such as RS256',
  'jwt.roles': claimFix,
  'jwt.principal': claimFix,
  auth: () => 'write "- apiKey: { keys: my_keys }" under it, or another way',
  file: () => 'begin with "name:"',
} satisfies Record<string, (value: unknown) => string | null>)

function claimFix(value: unknown): string {
  return typeof value === 'string' ? `write claims.${shorten(value)}` : 'write claims.roles, or where else they are'
}

function secretPathFix(text: string): string {
  const bare = text.replace(/^event\./, '').replace(/\[\d+\]/g, '[*]')
  if (bare !== text) return `write ${shorten(bare)}`
  return /^(?:data|meta)\b/.test(text) ? 'quote what is no plain name: data["odd name"]' : `write data.${shorten(text)}`
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
