/**
 * The one gate: types and build, lint, then every test by its speed: pure ones first, those on real Kafka and Postgres
 * last, on servers started once for all of them. Closes with the slowest files, and how many tests passed and failed.
 * `npm test -- PATTERN…` runs only the test files whose path contains a pattern.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { chmod, mkdtemp } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { eraseServers, startServers } from '../src/local/servers.ts'
import { optionsOf } from './options.ts'

const root = join(import.meta.dirname, '../..')
/** Folders under test/ whose tests need Kafka and Postgres; the gate starts them once. */
const onServers = ['bench', 'integration', 'language', 'ledger', 'verify']
/** Folders and files of those that kill, stop or judge by the clock: they run alone, one at a time; the others share the cores. */
const byClock = [
  'bench/',
  ...['faults', 'frozen', 'kill', 'outage', 'outbox-kill', 'outbox-takeover', 'registry', 'registry-client'].map(
    integration,
  ),
  ...['restart', 'start', 'stop', 'telemetry'].map(integration),
]
/** Longer than the gate should take: `npm run test:long`. */
const long = ['long', 'faults']

interface Count {
  passed: number
  failed: number
  readonly times: FileTime[]
}

interface FileTime {
  readonly file: string
  readonly tookMs: number
}

async function main(): Promise<void> {
  const { patterns, all } = readArguments()
  checkByClock()
  if (all) process.env.FUZZ_SEED ??= String(Math.trunc(Math.random() * 2 ** 31))
  const count: Count = { passed: 0, failed: 0, times: [] }
  if (patterns.length === 0)
    await stage(count, 'lint', () => run('npx', ['biome', 'check', '--error-on-warnings', '.']))
  const files = testFiles(all).filter((file) => patterns.length === 0 || patterns.some((each) => file.includes(each)))
  const needServers = files.filter(
    (file) => onServers.some((folder) => file.includes(`/test/${folder}/`)) || isLong(file),
  )
  await testStage(
    count,
    'tests',
    files.filter((file) => !needServers.includes(file)),
    {},
    availableParallelism(),
  )
  if (needServers.length > 0) await withServers(needServers, (env) => onServersStages(count, needServers, env))
  tellSlowest(count.times)
  console.log(`${count.passed} passed, ${count.failed} failed`)
  process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0
}

async function onServersStages(count: Count, files: readonly string[], env: Record<string, string>): Promise<void> {
  const shared = files.filter((file) => !isAlone(file))
  await testStage(count, 'tests on servers', shared, env, 2)
  await testStage(count, 'tests by the clock', files.filter(isAlone), env, 1)
}

function tellSlowest(times: readonly FileTime[]): void {
  const slowest = times.toSorted((a, b) => b.tookMs - a.tookMs).slice(0, 10)
  if (times.length === slowest.length) return
  console.log('\nThe slowest files:')
  for (const { file, tookMs } of slowest) console.log(`${(tookMs / 1000).toFixed(1).padStart(7)} s  ${file}`)
  console.log()
}

const help = `npm test -- [PATTERN…]

Types, lint and every test; with patterns, types and the test files whose path contains one. Starts Kafka and Postgres for
those that need them, unless KAFKA_BROKERS and DATABASE_URL name some.

  --long  the tests that take longer than the gate should (npm run test:long)
  --help  this text`

function readArguments(): { patterns: string[]; all: boolean } {
  const { values, positionals } = optionsOf(help, { long: { type: 'boolean', default: false } }, true)
  return { patterns: positionals, all: values.long }
}

function testFiles(all: boolean): string[] {
  const folder = join(root, 'dist/test')
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.js'))
  const files = names.map((name) => join(folder, name)).sort()
  return files.filter((file) => isLong(file) === all)
}

function isLong(file: string): boolean {
  return long.some((folder) => file.includes(`/test/${folder}/`))
}

function isAlone(file: string): boolean {
  return isLong(file) || byClock.some((part) => file.includes(`/test/${part}`))
}

function integration(name: string): string {
  return `integration/${name}.test.js`
}

/** A name that fits no file would let the file it once named run beside others. */
function checkByClock(): void {
  const files = testFiles(false)
  const gone = byClock.filter((part) => !files.some((file) => file.includes(`/test/${part}`)))
  if (gone.length > 0) throw new Error(`scripts/test.ts: byClock names what is not there: ${gone.join(', ')}`)
}

async function withServers(
  files: readonly string[],
  act: (env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const { KAFKA_BROKERS, DATABASE_URL, SCHEMA_REGISTRY_URL } = process.env
  const registry = !SCHEMA_REGISTRY_URL && files.some((file) => file.includes('registry'))
  if (KAFKA_BROKERS && DATABASE_URL && !registry) return act({ KAFKA_BROKERS, DATABASE_URL })
  const dir = await mkdtemp(join(tmpdir(), 'millrace-test-'))
  await chmod(dir, 0o755) // the server's own user must be able to go through it
  const servers = await startServers({ dir, kafka: !KAFKA_BROKERS, postgres: !DATABASE_URL, registry })
  try {
    await act({
      KAFKA_BROKERS: KAFKA_BROKERS ?? servers.kafkaBrokers?.join(',') ?? '',
      DATABASE_URL: DATABASE_URL ?? servers.databaseUrl ?? '',
      TEST_REGISTRY_URL: SCHEMA_REGISTRY_URL ?? servers.registryUrl ?? '',
    })
  } finally {
    await servers.stop()
    eraseServers(dir)
    rmSync(dir, { recursive: true, force: true })
  }
}

/** A stage without tests of its own counts as one that passed or failed. */
async function stage(count: Count, name: string, act: () => Promise<{ code: number }>): Promise<void> {
  const { code } = await act()
  if (code === 0) count.passed++
  else count.failed++
  console.log(code === 0 ? `✔ ${name}` : `✖ ${name}`)
}

async function testStage(
  count: Count,
  name: string,
  files: readonly string[],
  env: Record<string, string>,
  atOnce: number,
): Promise<void> {
  if (files.length === 0) return
  console.log(`\n${name}: ${files.length} files`)
  const dir = mkdtempSync(join(tmpdir(), 'millrace-times-'))
  const timesFile = join(dir, 'times')
  const flags = [
    '--enable-source-maps',
    '--test',
    `--test-concurrency=${atOnce}`,
    '--test-timeout=240000',
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...[`--test-reporter=${join(root, 'dist/scripts/file-times.js')}`, `--test-reporter-destination=${timesFile}`],
  ]
  const { code, output } = await run(process.execPath, [...flags, ...files], env)
  count.times.push(...readTimes(timesFile))
  rmSync(dir, { recursive: true, force: true })
  const passed = figure(output, 'pass')
  const failed = figure(output, 'fail') + figure(output, 'cancelled')
  count.passed += passed
  count.failed += code !== 0 && failed === 0 ? 1 : failed
}

function readTimes(path: string): FileTime[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => {
    const at = line.indexOf(' ')
    return { file: relative(join(root, 'dist'), line.slice(at + 1)), tookMs: Number(line.slice(0, at)) }
  })
}

function figure(output: string, name: string): number {
  return Number(new RegExp(`^\\S* ?${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0)
}

function run(
  command: string,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
      process.stdout.write(chunk)
    })
    child.once('error', reject).once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

await main()
