/** The book that functions keep of what they do outside, read by what was done: whoever is called tells repetitions by their key. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Line } from './outside/book.ts'

export class Book {
  readonly dir: string

  constructor(dir: string) {
    this.dir = dir
  }

  lines(transactions: ReadonlySet<string>): Line[] {
    const file = join(this.dir, 'book.jsonl')
    if (!existsSync(file)) return []
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
    return lines.map((line) => JSON.parse(line) as Line).filter((line) => transactions.has(line.transaction))
  }

  mend(caseName: string, name: string): void {
    writeFileSync(join(this.dir, `mended.${caseName}.${name}`), '')
  }
}

/** What it is -> what became of it. What is done again under one key is done once; what comes after its undoing is void. */
export function historyOf(lines: readonly Line[]): Record<string, string[]> {
  const history: Record<string, string[]> = {}
  const [done, undone] = [new Map<string, string>(), new Set<string>()]
  const add = (what: string, verb: string) => {
    history[what] = [...(history[what] ?? []), verb]
  }
  for (const { what, verb, key } of lines) {
    if (verb === 'done' && !done.has(key) && !undone.has(key)) {
      done.set(key, what)
      add(what, 'done')
    } else if (verb === 'undone' && !undone.has(key)) {
      undone.add(key)
      add(done.get(key) ?? what, 'undone')
    }
  }
  return history
}
