/**
 * The engine's own parts of a worker process, each as one file: loading them as their many files costs more than half
 * of a process's start (zod: 45 ms as 80 files, 20 ms as one).
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildOptions } from 'esbuild'
import { exists, keep, put } from './keep.ts'
import { runEsbuild } from './run-esbuild.ts'

export interface EngineFiles {
  /** The zod that `millrace` exports. */
  readonly zod: string
  /** `@opentelemetry/api`, which functions share with what makes their spans. */
  readonly api: string
  /** The program of a worker process. */
  readonly child: string
  /** What makes spans in one; null: nobody wants them. */
  readonly tracing: string | null
}

/** `traced`: functions' spans are wanted. */
export async function buildEngineFiles(cacheDir: string, traced: boolean): Promise<EngineFiles> {
  const [zod, child, api] = await Promise.all([
    buildZod(cacheDir),
    buildChild(cacheDir),
    traced ? buildTracing(cacheDir) : buildApi(cacheDir),
  ])
  return { zod, child, api, tracing: traced ? api : null }
}

/** Kept by its version: it is the one build that takes 100 ms. */
async function buildZod(cacheDir: string): Promise<string> {
  const { version } = JSON.parse(await readFile(locationOf('zod/package.json'), 'utf8'))
  const path = join(cacheDir, `millrace-zod-${version}.mjs`)
  if (!(await exists(path))) await put(path, await oneFile({ entryPoints: [locationOf('zod')] }))
  return path
}

function locationOf(specifier: string): string {
  return fileURLToPath(import.meta.resolve(specifier))
}

async function buildApi(cacheDir: string): Promise<string> {
  const contents = "export * from '@opentelemetry/api'"
  const text = await oneFile({ stdin: { contents, resolveDir: dirname(fileURLToPath(import.meta.url)) } })
  return (await keep(cacheDir, 'millrace-opentelemetry', text)).path
}

/** It exports the API, too: one copy for both, so that what one registers the other finds. Some of it is CommonJS and requires. */
async function buildTracing(cacheDir: string): Promise<string> {
  const banner = { js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);" }
  const text = await oneFile({ entryPoints: [childFile('tracing')], banner })
  return (await keep(cacheDir, 'millrace-tracing', text)).path
}

function childFile(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`../child/${name}.${extension}`, import.meta.url))
}

async function buildChild(cacheDir: string): Promise<string> {
  const text = await oneFile({ entryPoints: [childFile('main')] })
  return (await keep(cacheDir, 'millrace-child', text)).path
}

async function oneFile(from: Pick<BuildOptions, 'entryPoints' | 'stdin' | 'banner'>): Promise<string> {
  const options: BuildOptions = {
    ...from,
    // Their ES modules: what is made of CommonJS has no names to import.
    conditions: ['module'],
    mainFields: ['module', 'main'],
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minifyWhitespace: true,
    minifySyntax: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
  }
  return (await runEsbuild(options)).outputFiles![0]!.text
}
