/** Workflow file -> Plan: the text is read, its shape and its meaning are checked, and what is left is frozen. */
import { createHash } from 'node:crypto'
import { EngineError } from '../base/error.ts'
import { assemble } from './assembly/plan.ts'
import { type Beside, disclose, enclose } from './enclosed.ts'
import { limits } from './limits.ts'
import { type Links, linksOf, noLinks } from './links.ts'
import { checkMeaning } from './meaning/check.ts'
import { keyOf, positionsOf } from './places.ts'
import type { Plan } from './plan.ts'
import { type Finding, finding, formatProblem, type Problem, sortProblems } from './problem.ts'
import type { FieldFinding } from './shape/at.ts'
import { checkShape } from './shape/check.ts'
import { type PlacedFinding, readYaml, type YamlFile } from './yaml.ts'

export type Parsed = { readonly links: Links } & (
  | { readonly plan: Plan; readonly problems: readonly [] }
  | { readonly plan: null; readonly problems: readonly Problem[] }
)

/**
 * Every problem of the text, in the order of the file, or its plan. Throws nothing. `file` is what problems call it;
 * `functions` the names that exist, or null where that is not to be checked; `beside` reads the files that it names, null takes
 * those that the text encloses.
 */
export function parseWorkflow(
  text: string,
  file: string,
  functions: ReadonlySet<string> | null,
  beside: Beside | null = null,
): Parsed {
  const disclosed = disclose(normalise(text))
  const source = disclosed.text
  const unfit = unfitText(source)
  if (unfit) return { plan: null, problems: [{ file, line: 1, column: 1, ...unfit }], links: noLinks }
  const yaml = readYaml(source)
  const shape = yaml.readable ? checkShape(yaml.value) : { file: null, findings: [] }
  const meaning = checkMeaning(yaml.value, functions, beside ?? disclosed.beside)
  const findings = place([...shape.findings, ...meaning.findings], yaml)
  const position = positionsOf(source)
  const links = linksOf(yaml.value, meaning, (path) => position(yaml.offsetOf(path, 'value')))
  if (findings.length > 0 || !shape.file) return { plan: null, problems: problemsOf(findings, position, file), links }
  const whole = enclose(source, meaning.enclosed)
  return { plan: assemble(whole, versionOf(whole), shape.file, meaning), problems: [], links }
}

/**
 * The plan of a source that was checked before, as the ledger keeps it: whether its functions still exist is not asked.
 * Throws `EngineError` `workflow_invalid` with every problem in its message.
 */
export function planFromSource(source: string, file: string): Plan {
  const { plan, problems } = parseWorkflow(source, file, null)
  if (plan) return plan
  throw new EngineError('workflow_invalid', problems.map(formatProblem).join('\n'), { details: { file, problems } })
}

/** Line endings and a byte order mark do not make another version. */
export function normalise(text: string): string {
  return text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
}

/** Hex SHA-256 of a normalised source. */
export function versionOf(source: string): string {
  return createHash('sha256').update(source).digest('hex')
}

export function tooLarge(bytes: number): Finding {
  return finding('limit', `the file has ${bytes} bytes`, `at most ${limits.fileBytesMax}`, 'split the workflow')
}

function unfitText(source: string): Finding | null {
  const bytes = Buffer.byteLength(source)
  if (bytes > limits.fileBytesMax) return tooLarge(bytes)
  if (!/\p{Surrogate}|\0/u.test(source)) return null
  return finding('not_text', 'the file is not text', 'UTF-8', 'save the file as UTF-8 without NUL')
}

/** A value that YAML already refused is not reported again for its shape. */
function place(findings: readonly FieldFinding[], yaml: YamlFile): PlacedFinding[] {
  const refused = new Set(yaml.findings.flatMap((each) => (each.refused ? [keyOf(each.refused)] : [])))
  const news = findings.filter(({ path }) => !refused.has(keyOf(path)))
  const placed = news.map(({ path, part, textOffset, ...rest }) => ({
    ...rest,
    at: textOffset === undefined ? yaml.offsetOf(path, part) : yaml.offsetIn(path, textOffset),
  }))
  return [...yaml.findings, ...placed]
}

function problemsOf(
  findings: readonly PlacedFinding[],
  position: ReturnType<typeof positionsOf>,
  file: string,
): Problem[] {
  const all = sortProblems(findings.map((each) => ({ file, ...position(each.at), ...pick(each) })))
  if (all.length <= limits.problemsMax) return all
  const last = all[limits.problemsMax]!
  const message = `there are at least ${all.length - limits.problemsMax} more problems from here on`
  const more = { ...last, code: 'limit', message, expected: 'fewer', fix: 'mend these first' }
  return [...all.slice(0, limits.problemsMax), more]
}

function pick({ code, message, expected, fix }: Finding): Finding {
  return { code, message, expected, fix }
}
