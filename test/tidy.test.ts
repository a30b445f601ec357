/** The rooms' arrows go one way: what each may import is listed here, and nothing else is. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../src/base/package-root.ts'

const src = join(packageRoot(), 'src')
const core = ['base', 'envelope', 'function', 'workflow', 'transaction']

/** room -> rooms it may import. `telemetry` is the list of channels; publishing to it is no dependency on a listener. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  envelope: ['base'],
  function: ['base'],
  workflow: ['base', 'envelope', 'function'],
  transaction: ['base', 'envelope', 'function', 'workflow'],
  telemetry: ['base'],
  auth: ['base', 'envelope'],
  registry: ['base', 'envelope', 'telemetry'],
  coordinator: [...core, 'telemetry'],
  intake: [...core, 'telemetry'],
  worker: [...core, 'telemetry'],
  outbox: [...core, 'telemetry'],
  ledger: [...core, 'telemetry'],
  local: [...core],
  verify: [...core],
  api: [...core, 'telemetry', 'auth'],
  cli: [...core, 'telemetry', 'auth', 'intake', 'worker', 'ledger', 'local', 'api', 'verify', '.'],
  '.': [
    ...core,
    'telemetry',
    'coordinator',
    'intake',
    'worker',
    'ledger',
    'outbox',
    'local',
    'api',
    'auth',
    'registry',
  ],
}

/** A shell fits its port by type: it may import the types of these files, and only as types. */
const ports = ['coordinator/ports.ts', 'api/ports.ts']

/** Outside libraries and the only rooms that know them. Node's own are named where only one room should. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ['intake', 'outbox', 'cli'],
  oauth4webapi: ['intake'],
  snappy: ['intake'],
  'lz4-napi': ['intake'],
  fzstd: ['intake'],
  fastify: ['api'],
  'find-my-way': ['api'],
  pg: ['ledger', 'cli'],
  knex: ['ledger'],
  zod: ['function', 'workflow', '.'],
  yaml: ['envelope', 'workflow', '.'],
  esbuild: ['worker'],
  pino: ['telemetry'],
  '@opentelemetry/api': ['telemetry', 'worker'],
  '@opentelemetry/core': ['telemetry', 'worker'],
  '@opentelemetry/sdk-trace-base': ['telemetry', 'worker'],
  '@opentelemetry/context-async-hooks': ['worker'],
  '@opentelemetry/sdk-node': ['telemetry'],
  '@opentelemetry/exporter-trace-otlp-proto': ['telemetry'],
  '@opentelemetry/exporter-trace-otlp-http': ['telemetry'],
  '@opentelemetry/exporter-metrics-otlp-proto': ['telemetry'],
  '@opentelemetry/exporter-metrics-otlp-http': ['telemetry'],
  '@opentelemetry/exporter-prometheus': ['telemetry'],
  jose: ['auth'],
  '@kafkajs/confluent-schema-registry': ['registry'],
  protobufjs: ['registry'],
  ajv: ['envelope', 'registry'],
  'ajv-formats': ['envelope', 'registry'],
  avsc: ['envelope'],
  cborg: ['envelope'],
  papaparse: ['envelope'],
  acorn: ['envelope'],
  '@msgpack/msgpack': ['envelope'],
  xmlchars: ['envelope'],
  saxes: ['envelope'],
  long: ['registry'],
  commander: ['cli'],
  'lossless-json': ['envelope'],
  '@marcbachmann/cel-js': ['workflow'],
  'node:child_process': ['worker', 'local', 'cli'],
}

interface Import {
  readonly file: string
  readonly room: string
  readonly target: string
  readonly typeOnly: boolean
}

const imports = sources().flatMap(importsOf)

test('rooms import only what they may', () => {
  const wrong = imports.filter(({ target }) => target.startsWith('.')).filter((each) => !mayImport(each))
  assert.deepEqual(
    wrong.map(({ file, target }) => `${file} imports ${target}`),
    [],
  )
})

test('each outside library is known to its rooms alone', () => {
  const outside = imports.filter(({ target }) => !target.startsWith('.'))
  const wrong = outside.filter(({ room, target }) => !mayKnow(room, target))
  assert.deepEqual(
    wrong.map(({ file, target }) => `${file} imports ${target}`),
    [],
  )
})

test('the heart is pure: no clock, no chance, no waiting', () => {
  const impure =
    /\b(?:Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|async |await |process\.)/
  const heart = sources().filter((file) => file.includes('/transaction/'))
  assert.ok(heart.length > 5)
  assert.deepEqual(
    heart.filter((file) => impure.test(readFileSync(file, 'utf8'))),
    [],
  )
})

function mayImport({ file, room, target, typeOnly }: Import): boolean {
  const to = relative(src, join(src, dirname(file), target))
  const toRoom = roomOf(to)
  if (toRoom === room || allowed[room]?.includes(toRoom)) return true
  return ports.includes(to) && typeOnly && ['intake', 'worker', 'ledger', 'outbox'].includes(room)
}

function mayKnow(room: string, target: string): boolean {
  const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : (target.split('/')[0] ?? target)
  if (target.startsWith('node:')) return libraries[target]?.includes(room) ?? true
  return libraries[name]?.includes(room) ?? false
}

function sources(): string[] {
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  return names.map((name) => join(src, name))
}

function importsOf(file: string): Import[] {
  const name = relative(src, file)
  const statements = readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'|^import '([^']+)'/gm,
  )
  return [...statements].map((match) => ({
    file: name,
    room: roomOf(name),
    target: match[2] ?? match[3] ?? '',
    typeOnly: match[1] !== undefined,
  }))
}

function roomOf(name: string): string {
  return name.includes('/') ? (name.split('/')[0] ?? '.') : '.'
}
