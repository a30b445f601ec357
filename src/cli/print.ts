/** What a command answers goes to standard output; with `--json` it is one document. */
import { type Json, stringifyJson } from '../envelope/json.ts'

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(document: unknown): void {
  print(stringifyJson(document as Json))
}
