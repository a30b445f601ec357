/** A word of a command line that is printed to be copied: brackets are patterns of file names to a shell, blanks end a word. */
import { oneLine } from './table.ts'

export function shellWord(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${oneLine(text).replaceAll("'", `'\\''`)}'`
}
