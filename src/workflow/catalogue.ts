/** A folder of workflow files -> the catalogue: topic -> workflows. One file's problems keep no other from loading. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf } from '../base/error.ts'
import { utf8Text } from '../base/utf8.ts'
import { besideOf } from './beside.ts'
import { listFunctions } from './functions.ts'
import { limits } from './limits.ts'
import { linkProblems, noLinks } from './links.ts'
import { type Parsed, parseWorkflow, tooLarge } from './parse.ts'
import type { Plan } from './plan.ts'
import { type Finding, finding, type Problem, sortProblems } from './problem.ts'
import { routeProblems } from './routes.ts'
import { startTopics } from './uses.ts'

export interface Catalogue {
  /** By name. */
  readonly plans: readonly Plan[]
  /** By file, then in the order of the file. A file with a problem has no plan here. */
  readonly problems: readonly Problem[]
  /** Those that a record of the topic starts. */
  readonly byTopic: ReadonlyMap<string, readonly Plan[]>
  /** Those that have a step which waits for an event of the topic. */
  readonly signalsByTopic: ReadonlyMap<string, readonly Plan[]>
  /** file -> its plan. */
  readonly planOf: ReadonlyMap<string, Plan>
  /** Every workflow file found, read or not. */
  readonly files: readonly string[]
}

/** A folder that is missing or empty is a problem of its own; a `functions/` that cannot be read throws. */
export async function loadCatalogue(dir: string): Promise<Catalogue> {
  const found = await workflowFiles(dir)
  if ('problem' in found) return catalogueOf([], [found.problem], [])
  const functions = await functionNames(dir)
  const read: ParsedFile[] = []
  for (const file of found.files) read.push({ file, ...(await readAndParse(file, functions)) })
  const problems = problemsOf(read)
  const broken = new Set(problems.map((problem) => problem.file))
  const fit = read.flatMap(({ file, plan }) => (plan && !broken.has(file) ? [{ plan, file }] : []))
  return catalogueOf(fit, problems, found.files)
}

/**
 * Reads and checks one file; its functions are looked for in `functions/` beside it unless they are given, the workflows it calls,
 * and those that call it, beside it.
 */
export async function checkFile(file: string, functions?: ReadonlySet<string>): Promise<Parsed> {
  const parsed = await readAndParse(file, functions ?? (await functionNames(dirname(file))))
  const { links } = parsed
  const others = (await neighbours(file)).map((each) => ({ ...each, links: each.parsed.links }))
  const problems = [
    ...parsed.problems,
    ...linkProblems([{ file, links }, ...others]).filter((each) => each.file === file),
  ]
  return problems.length > 0 ? { plan: null, problems: sortProblems(problems), links } : parsed
}

type ParsedFile = Parsed & { readonly file: string }

async function readAndParse(file: string, functions: ReadonlySet<string> | null): Promise<Parsed> {
  const read = await readText(file)
  if (typeof read !== 'string') return { plan: null, problems: [atStart(file, read)], links: noLinks }
  return parseWorkflow(read, file, functions, besideOf(file))
}

async function neighbours(file: string): Promise<{ file: string; parsed: Parsed }[]> {
  const found = await workflowFiles(dirname(file))
  const others = 'files' in found ? found.files.filter((each) => resolve(each) !== resolve(file)) : []
  return Promise.all(others.map(async (each) => ({ file: each, parsed: await readAndParse(each, null) })))
}

/** By file, in its order, those of its own text foremost. */
function problemsOf(read: readonly ParsedFile[]): Problem[] {
  const linked = linkProblems(read)
  const routed = routeProblems(read)
  const names = new Map<string, string>()
  return read.flatMap(({ file, plan, problems }) => {
    const first = plan ? names.get(plan.name) : undefined
    if (plan && first === undefined) names.set(plan.name, file)
    const taken = plan && first !== undefined ? [duplicate(plan, file, first)] : []
    const own = [...linked, ...routed].filter((problem) => problem.file === file)
    return [...problems, ...sortProblems([...taken, ...own])]
  })
}

async function functionNames(dir: string): Promise<ReadonlySet<string>> {
  return new Set((await listFunctions(dir)).keys())
}

const workflowFile = /^[^.].*\.(?:ya?ml|json)$/

async function workflowFiles(dir: string): Promise<{ files: string[] } | { problem: Problem }> {
  try {
    const entries = await readdir(dir, { withFileTypes: true })
    const names = entries.filter((entry) => !entry.isDirectory() && workflowFile.test(entry.name))
    const files = names.map((entry) => join(dir, entry.name)).sort()
    return files.length > 0 ? { files } : { problem: atStart(dir, noFiles) }
  } catch (error) {
    return { problem: atStart(dir, noFolder(error)) }
  }
}

async function readText(file: string): Promise<string | Finding> {
  try {
    const { size } = await stat(file)
    if (size > limits.fileBytesMax) return tooLarge(size)
    return utf8Text(await readFile(file)) ?? notText
  } catch (error) {
    return unreadable(error)
  }
}

function catalogueOf(
  found: readonly { plan: Plan; file: string }[],
  problems: readonly Problem[],
  files: readonly string[],
): Catalogue {
  const sorted = found.map(({ plan }) => plan).sort((a, b) => (a.name < b.name ? -1 : 1))
  const planOf = new Map(found.map(({ plan, file }) => [file, plan]))
  return Object.freeze({ plans: sorted, problems, ...topicsOf(sorted), planOf, files })
}

/** What each topic is to which plan. */
export function topicsOf(plans: readonly Plan[]): Pick<Catalogue, 'byTopic' | 'signalsByTopic'> {
  const byTopic = grouped(plans, startTopics)
  const signalsByTopic = grouped(plans, ({ signals }) => signals.map(({ topic }) => topic))
  return { byTopic, signalsByTopic }
}

function grouped(plans: readonly Plan[], topics: (plan: Plan) => readonly string[]): Map<string, Plan[]> {
  const groups = new Map<string, Plan[]>()
  for (const plan of plans) {
    for (const topic of topics(plan)) groups.set(topic, [...(groups.get(topic) ?? []), plan])
  }
  return groups
}

function duplicate(plan: Plan, file: string, first: string): Problem {
  const line = plan.source.split('\n').findIndex((text) => /^(?:[{,] ?)?["']?name["']? ?:/.test(text.trimStart())) + 1
  const message = `the name "${plan.name}" is taken by ${first}`
  const expected = 'a name of its own among the files of the folder'
  const at = { file, line: Math.max(line, 1), column: 1 }
  return { ...at, ...finding('duplicate_workflow', message, expected, 'rename this one or remove it') }
}

function atStart(file: string, found: Finding): Problem {
  return { file, line: 1, column: 1, ...found }
}

const notText = finding('not_text', 'the file is not text', 'UTF-8', 'save the file as UTF-8')
const addOne = 'add one, or name another folder'
const noFiles = finding('no_workflows', 'there is no workflow in this folder', 'files in .yaml, .yml or .json', addOne)

function unreadable(error: unknown): Finding {
  const message = `the file cannot be read (${messageOf(error)})`
  return finding('unreadable_file', message, 'a workflow file', 'check the path and its permissions')
}

function noFolder(error: unknown): Finding {
  const message = `the folder cannot be read (${messageOf(error)})`
  return finding('no_workflows', message, 'a folder of workflow files', 'create it, or name another folder')
}
