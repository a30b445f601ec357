/**
 * Files that a workflow file names belong to its source: they stand behind it as comments, so that a version's hash covers them and
 * a running transaction never needs them again.
 */
import { type Finding, finding, shorten } from './problem.ts'

/** Text of the file at a path relative to the workflow's, or why there is none. */
export type Beside = (path: string) => string | Finding

const mark = '#: file '
const line = /^#: file (\[.*\])$/

/** `files`: path -> text. */
export function enclose(source: string, files: ReadonlyMap<string, string>): string {
  if (files.size === 0) return source
  const lines = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map((entry) => `${mark}${JSON.stringify(entry)}\n`)
  return `${source}${source.endsWith('\n') ? '' : '\n'}${lines.join('')}`
}

/** The source without them, and what it encloses. */
export function disclose(source: string): { readonly text: string; readonly beside: Beside } {
  const files = new Map<string, string>()
  let text = source
  for (let last = lastLine(text); last !== null; last = lastLine(text)) {
    files.set(...last)
    text = text.slice(0, text.trimEnd().lastIndexOf('\n') + 1)
  }
  return { text, beside: (path) => files.get(path) ?? missing(path) }
}

function lastLine(text: string): [string, string] | null {
  const end = text.trimEnd()
  const match = line.exec(end.slice(end.lastIndexOf('\n') + 1))
  return match ? JSON.parse(match[1] as string) : null
}

function missing(path: string): Finding {
  const message = `the source does not enclose ${shorten(path)}`
  return finding('unreadable_file', message, 'a source as the ledger keeps it', 'read the workflow from its folder')
}
