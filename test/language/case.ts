/**
 * A case is a folder of `cases/`: its workflows, what is done with them (`events.yaml`), and what the ledger must hold then
 * (`expected.yaml`). This reads it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { packageRoot } from '../../src/base/package-root.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { type Act, actsOf } from './act.ts'
import { type Expected, expectedOf } from './expected.ts'

export interface Case {
  readonly name: string
  /** The first comment of its first workflow: what it shows. */
  readonly about: string
  /** By the name of their file. */
  readonly workflows: ReadonlyMap<string, string>
  readonly acts: readonly Act[]
  readonly expected: Expected
}

export const languageDir = join(packageRoot(), 'test/language')
const casesDir = join(languageDir, 'cases')

export function caseNames(): string[] {
  return readdirSync(casesDir).sort()
}

export function readCase(name: string): Case {
  const dir = join(casesDir, name)
  const files = readdirSync(dir)
    .filter((file) => file.endsWith('.yaml') && !others.includes(file))
    .sort((a, b) => Number(b === 'workflow.yaml') - Number(a === 'workflow.yaml') || a.localeCompare(b))
  const workflows = new Map(files.map((file) => [basename(file, '.yaml'), readFileSync(join(dir, file), 'utf8')]))
  const read = (file: string): unknown => parse(readFileSync(join(dir, file), 'utf8'))
  try {
    for (const [file, text] of workflows) planFromSource(text, `${file}.yaml`)
    return {
      name,
      about: aboutOf([...workflows.values()][0] ?? ''),
      workflows,
      acts: actsOf(read('events.yaml')),
      expected: expectedOf(read('expected.yaml')),
    }
  } catch (cause) {
    throw new Error(`case ${name} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

const others = ['events.yaml', 'expected.yaml']

function aboutOf(text: string): string {
  const lines = text.split('\n')
  const end = lines.findIndex((line) => !line.startsWith('#'))
  return lines
    .slice(0, end)
    .map((line) => line.slice(1).trim())
    .join(' ')
}
