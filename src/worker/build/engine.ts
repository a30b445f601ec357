/**
 * The engine's own parts of a worker process, each as one file: loading them as their many files costs more than half
 * of a process's start (zod: 45 ms as 80 files, 20 ms as one).
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildOptions } from 'esbuild'
import { exists, keep, put } from './keep.ts'
import { runEsbuild } from './run-esbuild.ts'

export interface EngineFiles {
  /** The zod that `millrace` exports. */
  readonly zod: string
  /** The program of a worker process. */
  readonly child: string
}

export async function buildEngineFiles(cacheDir: string): Promise<EngineFiles> {
  const [zod, child] = await Promise.all([buildZod(cacheDir), buildChild(cacheDir)])
  return { zod, child }
}

/** Kept by its version: it is the one build that takes 100 ms. */
async function buildZod(cacheDir: string): Promise<string> {
  const { version } = JSON.parse(await readFile(locationOf('zod/package.json'), 'utf8'))
  const path = join(cacheDir, `millrace-zod-${version}.mjs`)
  if (!(await exists(path))) await put(path, await oneFile(locationOf('zod')))
  return path
}

function locationOf(specifier: string): string {
  return fileURLToPath(import.meta.resolve(specifier))
}

async function buildChild(cacheDir: string): Promise<string> {
  const main = import.meta.url.endsWith('.ts') ? '../child/main.ts' : '../child/main.js'
  const text = await oneFile(fileURLToPath(new URL(main, import.meta.url)))
  return (await keep(cacheDir, 'millrace-child', text)).path
}

async function oneFile(entry: string): Promise<string> {
  const options: BuildOptions = {
    entryPoints: [entry],
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
