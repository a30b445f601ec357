/**
 * A case is a folder of `cases/`: its workflows, what is done with them (`events.yaml`), and what the ledger must hold then
 * (`expected.yaml`). This reads it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { packageRoot } from '../../src/base/package-root.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { type Act, actsOf } from './act.ts'
import { type Expected, expectedOf } from './expected.ts'
import { examples } from './reference.ts'

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
  const read = (file: string): unknown => parse(readFileSync(join(dir, file), 'utf8'))
  try {
    const examples = exampleNames(name)
    const workflows = examples.length > 0 ? examplesOf(examples) : workflowsOf(dir)
    for (const [file, text] of workflows) planFromSource(text, `${file}.yaml`)
    return {
      name,
      about:
        examples.length > 0
          ? `The reference's example: ${examples.join(', ')}.`
          : aboutOf([...workflows.values()][0] ?? ''),
      workflows,
      acts: actsOf(read('events.yaml')),
      expected: expectedOf(read('expected.yaml')),
    }
  } catch (cause) {
    throw new Error(`case ${name} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** Those of the reference that it runs, by heading and number; they stand in `examples.yaml` in place of a workflow. */
export function exampleNames(name: string): string[] {
  const file = join(casesDir, name, 'examples.yaml')
  return existsSync(file) ? parse(readFileSync(file, 'utf8')) : []
}

function examplesOf(names: readonly string[]): Map<string, string> {
  const all = examples()
  return new Map(
    names.map((each, at) => {
      const text = all.get(each)
      if (text === undefined)
        throw new Error(`the reference has no example ${each}: there are ${[...all.keys()].join(', ')}`)
      return [`example-${at + 1}`, text]
    }),
  )
}

function workflowsOf(dir: string): Map<string, string> {
  const files = readdirSync(dir)
    .filter((file) => file.endsWith('.yaml') && !others.includes(file))
    .sort((a, b) => Number(b === 'workflow.yaml') - Number(a === 'workflow.yaml') || a.localeCompare(b))
  return new Map(files.map((file) => [basename(file, '.yaml'), readFileSync(join(dir, file), 'utf8')]))
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
