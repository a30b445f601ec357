/**
 * The examples of docs/workflow-reference.md as workflows of cases, and the functions that they name, which stand in
 * `reference-functions.yaml`: what each gives, and what else it does.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { packageRoot } from '../../src/base/package-root.ts'

/** By the heading above it, and its number where there are several: `publish`, `publish 2`. */
export function examples(): Map<string, string> {
  const text = readFileSync(join(packageRoot(), 'docs/workflow-reference.md'), 'utf8')
  const found = new Map<string, string>()
  let heading = ''
  for (const [, title, example] of text.matchAll(/^#+ ([^\n]*)$|^```yaml workflow\n(.*?)^```/gms)) {
    heading = title ?? heading
    if (example === undefined) continue
    const before = [...found.keys()].filter((name) => name === heading || name.startsWith(`${heading} `)).length
    found.set(before === 0 ? heading : `${heading} ${before + 1}`, example)
  }
  return found
}

/** Path below the workflows folder -> text. */
export function referenceFunctions(): Record<string, string> {
  const table: Record<string, object> = parse(
    readFileSync(join(packageRoot(), 'test/language/reference-functions.yaml'), 'utf8'),
  )
  return Object.fromEntries(
    Object.entries(table).map(([name, what]) => {
      const up = '../'.repeat(name.split('/').length)
      const text = `import { scripted } from '${up}outside/scripted.ts'\nexport default scripted(${JSON.stringify(what)})\n`
      return [`functions/${name}.ts`, text]
    }),
  )
}
