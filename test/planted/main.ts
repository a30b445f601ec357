/**
 * `npm run planted`: can the tests see? Plants one bug after the other in a copy of the built project, and runs what must
 * fail then. `-- --only TEXT`, once or several times, plants those whose name contains it; `--list`; `--json`. Ends with 1 when a bug is not caught.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { transform } from 'esbuild'
import { optionsOf, usageError } from '../../scripts/options.ts'
import { packageRoot } from '../../src/base/package-root.ts'
import { eraseServers, startServers } from '../../src/local/servers.ts'
import { type Bug, bugs, type Seer } from './bugs.ts'

interface Verdict {
  readonly name: string
  readonly guard: string
  readonly seenBy: Seer
  readonly caught: boolean
  readonly seconds: number
  /** The first line that told of it. */
  readonly told: string
}

/** Of a run that finds nothing it may take so long, in milliseconds. */
const runMsMax = 240_000
/** Seeds that a bug may hide in. */
const seeds = 450

const help = `npm run planted -- [options]

Plants one bug after the other in a copy of the project, and runs what must see it. Ends with 1 when one is not caught.

  --only TEXT  those whose name contains it; several times for several
  --list       the bugs, who must see each, and what its guard is for
  --json       one JSON object instead of the table
  --help       this text`

const { values } = optionsOf(help, {
  only: { type: 'string', multiple: true, default: [''] },
  list: { type: 'boolean' },
  json: { type: 'boolean' },
})
const root = packageRoot()
const running = new Set<ChildProcess>()

async function main(): Promise<void> {
  const chosen = bugs.filter(({ name }) => values.only.some((text) => name.includes(text)))
  if (values.list)
    return tell(chosen.map(({ name, seenBy, guard }) => `${name.padEnd(36)} ${seenBy.padEnd(22)} ${guard}`))
  if (chosen.length === 0) return usageError(`no bug is called ${values.only.join(' or ')}: --list tells all`, help)
  const dir = mkdtempSync(join(tmpdir(), 'millrace-planted-'))
  await chmod(dir, 0o755) // the server's own user must be able to go through it
  const servers = await startServers({ dir: join(dir, 'servers'), kafka: false, postgres: chosen.some(isOfLedger) })
  const end = () => {
    for (const child of running) child.kill('SIGKILL')
  }
  process.once('SIGINT', end)
  try {
    const env = { DATABASE_URL: servers.databaseUrl ?? '', KAFKA_BROKERS: '127.0.0.1:1' }
    copyProject(join(dir, 'project'))
    await sound(chosen, join(dir, 'project'), env)
    const verdicts: Verdict[] = []
    for (const bug of chosen) verdicts.push(await judge(bug, join(dir, 'project'), env))
    report(verdicts)
  } finally {
    await servers.stop()
    eraseServers(join(dir, 'servers'))
    rmSync(dir, { recursive: true, force: true })
  }
}

function isOfLedger({ seenBy }: Bug): boolean {
  return seenBy.startsWith('test/ledger/')
}

function copyProject(to: string): void {
  for (const name of ['dist', 'migrations', 'workflows', 'docs', 'package.json', 'workflow.schema.json']) {
    cpSync(join(root, name), join(to, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'))
}

/** Without a bug nothing may fail, else a failure with one tells nothing. */
async function sound(chosen: readonly Bug[], project: string, env: Record<string, string>): Promise<void> {
  for (const seer of new Set(chosen.map(({ seenBy }) => seenBy))) {
    const { code, output } = await run(seer, project, env)
    if (code !== 0) throw new Error(`${seer} fails without any bug:\n${output.slice(-4000)}`)
  }
}

async function judge(bug: Bug, project: string, env: Record<string, string>): Promise<Verdict> {
  const compiled = join(project, 'dist', bug.file.replace(/\.ts$/, '.js'))
  const healthy = readFileSync(compiled, 'utf8')
  const from = performance.now()
  try {
    writeFileSync(compiled, await planted(bug))
    const { code, output } = await run(bug.seenBy, project, env)
    const { name, guard, seenBy } = bug
    const seconds = Math.round((performance.now() - from) / 100) / 10
    const verdict = { name, guard, seenBy, caught: code !== 0, seconds, told: code === 0 ? '' : firstWord(output) }
    if (!values.json) tell([lineOf(verdict)])
    return verdict
  } finally {
    writeFileSync(compiled, healthy)
  }
}

/** The file with the bug, as JavaScript. */
async function planted({ name, file, find, instead }: Bug): Promise<string> {
  const source = readFileSync(join(root, file), 'utf8')
  const places = source.split(find).length - 1
  if (places !== 1) throw new Error(`${name}: what it looks for is ${places} times in ${file}, expected once`)
  const { code } = await transform(
    source.replace(find, () => instead),
    {
      loader: 'ts',
      target: 'es2022',
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    },
  )
  return code.replace(/(from\s*"\.[^"]*)\.ts"/g, '$1.js"')
}

function run(seer: Seer, project: string, env: Record<string, string>): Promise<{ code: number; output: string }> {
  const words =
    seer === 'simulation'
      ? ['dist/test/simulation/main.js', '--bail', '--seeds', String(seeds)]
      : ['dist/scripts/test.js', seer]
  const child = spawn(process.execPath, words, { cwd: project, env: { ...process.env, ...env }, timeout: runMsMax })
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-100_000)
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => {
      running.delete(child)
      resolve({ code: code ?? 1, output })
    })
  })
}

function firstWord(output: string): string {
  const line = output.split('\n').find((each) => /✖|AssertionError|violat|fail|broke|wrong|never/i.test(each))
  return (line ?? '').trim().slice(0, 120)
}

function lineOf({ caught, name, seenBy, seconds, told }: Verdict): string {
  return `${caught ? 'caught' : 'MISSED'}  ${name.padEnd(36)} ${seenBy.padEnd(22)} ${String(seconds).padStart(6)} s  ${told}`
}

function report(verdicts: readonly Verdict[]): void {
  const missed = verdicts.filter(({ caught }) => !caught)
  if (values.json)
    console.log(JSON.stringify({ planted: verdicts.length, caught: verdicts.length - missed.length, verdicts }))
  else tell(['', `${verdicts.length} planted, ${verdicts.length - missed.length} caught`])
  if (!values.json) for (const { name, guard } of missed) tell([`not caught: ${name}, though ${guard}`])
  process.exitCode = missed.length > 0 ? 1 : 0
}

function tell(lines: readonly string[]): void {
  for (const line of lines) console.log(line)
}

await main()
