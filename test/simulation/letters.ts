/** Dead letters that wait for somebody. */
import type { StoredLetter, Tables } from './ledger/tables.ts'

export function lettersOf(tables: Tables): StoredLetter[] {
  return [...tables.letters.values()].filter((letter) => letter.state === 'open')
}
