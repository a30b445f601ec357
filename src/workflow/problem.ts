/** What is wrong with a workflow file, said so that its author can mend it without a look into the engine. */
export interface Problem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  readonly message: string
  readonly expected: string
  readonly fix: string
  /** snake_case, stable: programs match on it. */
  readonly code: string
}

/** A problem before anybody has looked up where in the file it is. */
export type Finding = Pick<Problem, 'code' | 'message' | 'expected' | 'fix'>

export function finding(code: string, message: string, expected: string, fix: string): Finding {
  return { code, message, expected, fix }
}

/** `file:line:column: what is wrong; expected …; the likely fix`, on one line. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, message, expected, fix } = problem
  return oneLine(`${file}:${line}:${column}: ${message}; expected ${expected}; ${fix}`)
}

/** In the order of the file; several at one place keep their order. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
}

/** A value as a message shows it: short, on one line, quoted where it is text. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0 ? 'an empty map' : 'a map'
  if (typeof value === 'string') return `"${shorten(value)}"`
  return String(value)
}

export function shorten(text: string, charsMax = 60): string {
  const flat = oneLine(text)
  return flat.length <= charsMax ? flat : `${flat.slice(0, charsMax - 1)}…`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters would break the one line
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\s]+/g

function oneLine(text: string): string {
  return text.replace(unprintable, ' ')
}
