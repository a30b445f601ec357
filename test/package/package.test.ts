/**
 * The package as a stranger gets it: packed, installed in an empty project, and used exactly as the README's "Your own
 * workflow" says, its files and commands taken from there.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { packageRoot } from '../../src/base/package-root.ts'
import { until } from '../../src/base/poll.ts'
import { atEnd } from '../support/at-end.ts'

const dir = await mkdtemp(join(tmpdir(), 'millrace-package-'))
atEnd(() => rm(dir, { recursive: true, force: true }))
const project = join(dir, 'project')
const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8')
const { files, commands } = yourOwnWorkflow()
let tarball = ''
let dev: Running | undefined

test('the README has files and commands to try', () => {
  assert.ok(Object.keys(files).some((path) => path.endsWith('.yaml')))
  assert.ok(Object.keys(files).filter((path) => path.endsWith('.ts')).length >= 2)
  const order = ['validate', 'dev', 'publish', 'list', 'show'].map(at)
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  )
  assert.ok(commands.indexOf('npm install millrace') < at('validate'))
})

test('npm pack packs what is needed, and nothing of this folder', async () => {
  await ok(`npm pack --pack-destination ${dir}`, packageRoot())
  tarball = join(dir, readdirSync(dir).find((name) => name.endsWith('.tgz')) ?? '')
  await ok(`tar -xzf ${tarball}`, dir)
  const packed = join(dir, 'package')
  const paths = readdirSync(packed, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const names = paths.map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(packed.length + 1))
  for (const name of [
    'README.md',
    'LICENSE',
    'workflow.schema.json',
    'migrations/0001_ledger.sql',
    'dist/src/index.d.ts',
  ]) {
    assert.ok(names.includes(name), `${name} is not in the package`)
  }
  assert.deepEqual(
    names.filter((name) => /^(dist\/)?(test|demo|bench|scripts)\//.test(name)),
    [],
  )
  assert.deepEqual(
    names.filter((name) => readFileSync(join(packed, name), 'utf8').includes(packageRoot())),
    [],
  )
})

test('the commands before `dev` go well', async () => {
  await mkdir(project)
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, path)), { recursive: true })
    await writeFile(join(project, path), text)
  }
  for (const command of commands.slice(0, at('dev')))
    await ok(command.replace('install millrace', `install ${tarball}`))
})

test('the functions are what the package’s types expect', async () => {
  const functions = Object.keys(files).filter((path) => path.endsWith('.ts'))
  const flags = '--noEmit --strict --module nodenext --target es2023 --types ""'
  await ok(`${join(packageRoot(), 'node_modules/.bin/tsc')} ${flags} ${functions.join(' ')}`)
  const wrong = join(dirname(functions[0] as string), 'wrong.ts')
  await writeFile(join(project, wrong), (files[functions[0] as string] as string).replace('input.sku', 'input.skew'))
  const { code, output } = await run(`${join(packageRoot(), 'node_modules/.bin/tsc')} ${flags} ${wrong}`).ended
  await rm(join(project, wrong))
  assert.notEqual(code, 0)
  assert.match(output, /skew/)
})

test('dev runs what is published, and list and show tell of it', async () => {
  dev = run(commands[at('dev')] as string)
  const file = join(project, '.millrace/dev.json')
  await until('dev to be ready', () => existsSync(file) || dev?.gone() === true, { forMs: 60_000, everyMs: 100 })
  assert.ok(existsSync(file), dev.output())
  const { databaseUrl } = JSON.parse(readFileSync(file, 'utf8')) as { databaseUrl: string }
  await ok(commands[at('publish')] as string)
  await until('the order to be done', () => isDone(databaseUrl), { forMs: 30_000, everyMs: 100 })
  const outputs: string[] = []
  for (const command of commands.slice(at('publish') + 1)) outputs.push(await ok(command))
  const [list, show] = outputs
  assert.match(list ?? '', /order.*completed|completed.*order/)
  for (const part of [
    /completed/,
    /reserve/,
    /thank/,
    /lamp-[0-9a-f]{8}/,
    /to anna@example\.com: 2 of lamp, reserved as lamp-/,
  ]) {
    assert.match(show ?? '', part)
  }
})

test('SIGTERM ends dev and all it has started', async () => {
  const { pid } = JSON.parse(readFileSync(join(project, '.millrace/dev.json'), 'utf8')) as { pid: number }
  process.kill(pid, 'SIGTERM')
  const end = await dev?.ended
  assert.equal(end?.code, 0, end?.output)
  assert.ok(!existsSync(join(project, '.millrace/dev.json')))
  await until('its processes to be gone', () => processesOf(project).length === 0, { forMs: 10_000 })
})

/** Of the section, each file by its path, and each line that is typed into a terminal, in order. */
function yourOwnWorkflow(): { files: Record<string, string>; commands: string[] } {
  const section = /^## Your own workflow\n(.*?)^## /ms.exec(readme)?.[1] ?? ''
  const files: Record<string, string> = {}
  const commands: string[] = []
  for (const [, before = '', language, text = ''] of section.matchAll(/(.*?)^```(\w+)\n(.*?)^```$/gms)) {
    const path = [...before.matchAll(/`(workflows\/[^`]+)`/g)].at(-1)?.[1]
    if (language === 'sh') commands.push(...text.trim().split('\n'))
    else if (path !== undefined) files[path] = text
    else assert.fail(`the README does not say in which file this stands:\n${text}`)
  }
  return { files, commands }
}

/** Where among the commands is `npx millrace WORD`. */
function at(word: string): number {
  const place = commands.findIndex((command) => command.startsWith(`npx millrace ${word}`))
  assert.ok(place >= 0, `the README does not say npx millrace ${word}`)
  return place
}

interface Running {
  readonly ended: Promise<{ code: number | null; output: string }>
  readonly output: () => string
  readonly gone: () => boolean
}

/** Somebody's who has only Node, and a way to npm's registry. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) =>
    /^(PATH|HOME|LANG|TMPDIR|NODE_EXTRA_CA_CERTS|npm_config_(registry|cache)|(https?|no)_proxy)$/i.test(name),
  ),
)

/** In a shell. npm takes from its cache what it has there. */
function run(command: string, cwd = project): Running {
  const quiet = { npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' }
  const env = { ...environment, ...quiet }
  const child: ChildProcess = spawn('bash', ['-c', command], { cwd, env, detached: true })
  let output = ''
  let gone = false
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text))
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => {
      gone = true
      resolve({ code, output })
    })
  })
  atEnd(() => {
    if (!gone && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  return { ended, output: () => output, gone: () => gone }
}

async function ok(command: string, cwd = project): Promise<string> {
  const { code, output } = await run(command, cwd).ended
  assert.equal(code, 0, `${command}\n${output}`)
  return output
}

async function isDone(databaseUrl: string): Promise<boolean> {
  const db = new pg.Client(databaseUrl)
  await db.connect()
  const { rows } = await db.query('select count(*)::int as n from millrace.transactions where ended_at is not null')
  await db.end()
  return rows[0].n > 0
}

/** Linux's list; elsewhere nothing is looked at. */
function processesOf(folder: string): string[] {
  if (!existsSync('/proc/self/cmdline')) return []
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return line.includes(folder) ? [`${pid} ${line}`] : []
    } catch {
      return []
    }
  })
}
