/** Checks workflow files wherever they lie, and compiles the functions they use. */
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { checkFile, loadCatalogue } from '../workflow/catalogue.ts'
import type { Problem } from '../workflow/problem.ts'
import { functionsOf } from '../workflow/uses.ts'
import { functionProblems } from './function-problems.ts'

export interface Checked {
  /** How many workflow files. */
  readonly files: number
  readonly problems: readonly Problem[]
}

export async function checkWorkflows(paths: {
  files: readonly string[]
  folders: readonly string[]
}): Promise<Checked> {
  const parts = [
    ...(await Promise.all(paths.folders.map(checkFolder))),
    ...(await Promise.all(paths.files.map(checkOne))),
  ]
  const used = new Map<string, Set<string>>()
  for (const { dir, functions } of parts) used.set(dir, new Set([...(used.get(dir) ?? []), ...functions]))
  const compiled = await Promise.all([...used].map(([dir, names]) => functionProblems(dir, names)))
  return {
    files: parts.reduce((sum, part) => sum + part.files, 0),
    problems: [...parts.flatMap((part) => part.problems), ...compiled.flat()],
  }
}

interface Part extends Checked {
  readonly dir: string
  /** Names of the functions that are used. */
  readonly functions: readonly string[]
}

async function checkFolder(dir: string): Promise<Part> {
  const { plans, problems, files } = await loadCatalogue(dir)
  const broken = [...new Set(problems.map((problem) => problem.file))]
  const functions = [...plans.flatMap(functionsOf), ...(await Promise.all(broken.map(usedIn))).flat()]
  return { dir, files: files.length, problems, functions }
}

async function checkOne(file: string): Promise<Part> {
  const { plan, problems } = await checkFile(file)
  return { dir: dirname(file), files: 1, problems, functions: plan ? functionsOf(plan) : await usedIn(file) }
}

/** A file with problems makes no plan; the functions it names are looked at all the same. */
async function usedIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return [...text.matchAll(/\b(?:uses|compensate)["']?\s*:\s*["']?([\w./-]+)/g)].flatMap((match) => match[1] ?? [])
}
