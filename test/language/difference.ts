/** Two values as YAML, line by line: what is expected and missing with `-`, what is there and not expected with `+`. */
import { stringify } from 'yaml'

/** Null: there is none. */
export function difference(expected: unknown, actual: unknown): string | null {
  const [wanted, found] = [linesOf(expected), linesOf(actual)]
  if (wanted.join('\n') === found.join('\n')) return null
  return lines(wanted, found).join('\n')
}

function linesOf(value: unknown): string[] {
  return stringify(value, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false }).trimEnd().split('\n')
}

/** Along the longest common subsequence. */
function lines(wanted: readonly string[], found: readonly string[]): string[] {
  const common = commonLengths(wanted, found)
  const out: string[] = []
  let [a, b] = [0, 0]
  while (a < wanted.length || b < found.length) {
    if (a < wanted.length && wanted[a] === found[b]) {
      out.push(`  ${wanted[a++]}`)
      b++
    } else if (b >= found.length || (a < wanted.length && at(common, a + 1, b) >= at(common, a, b + 1))) {
      out.push(`- ${wanted[a++]}`)
    } else out.push(`+ ${found[b++]}`)
  }
  return out
}

/** [a][b]: how much of the lines from a and from b on is common. */
function commonLengths(wanted: readonly string[], found: readonly string[]): number[][] {
  const table = Array.from({ length: wanted.length + 1 }, () => new Array<number>(found.length + 1).fill(0))
  for (let a = wanted.length - 1; a >= 0; a--) {
    for (let b = found.length - 1; b >= 0; b--) {
      const row = table[a] as number[]
      row[b] = wanted[a] === found[b] ? at(table, a + 1, b + 1) + 1 : Math.max(at(table, a + 1, b), at(table, a, b + 1))
    }
  }
  return table
}

function at(table: readonly number[][], a: number, b: number): number {
  return table[a]?.[b] ?? 0
}
