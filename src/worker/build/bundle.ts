/** One run of esbuild: a function's entry file to one ESM text with an inline source map. */
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuildFailure, BuildOptions, Message, Plugin } from 'esbuild'
import { EngineError } from '../../base/error.ts'
import { type OwnPackages, resolveImports } from './imports.ts'
import { placeMeta } from './meta.ts'
import { runEsbuild } from './run-esbuild.ts'

export interface Source {
  readonly name: string
  readonly entry: string
  readonly functionsDir: string
  readonly cacheDir: string
  /** What the engine gives to authors. */
  readonly own: OwnPackages
}

/** Throws EngineError `function_does_not_compile`. */
export async function bundle(source: Source): Promise<{ text: string; inputs: string[] }> {
  const built = await runEsbuild(options(source, [resolveImports(source.own), placeMeta()])).catch((failure) => {
    throw doesNotCompile(source, failure)
  })
  const inputs = Object.keys(built.metafile!.inputs).map((path) => resolve(source.functionsDir, path))
  return { text: withRequire(built.outputFiles![0]!.text, source.entry), inputs }
}

function options(source: Source, plugins: Plugin[]): BuildOptions {
  return {
    entryPoints: [source.entry],
    absWorkingDir: source.functionsDir,
    outfile: join(source.cacheDir, 'function.mjs'),
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // As Node itself resolves: neither a bundler's conditions nor its fields.
    conditions: [],
    mainFields: ['main'],
    sourcemap: 'inline',
    sourcesContent: false,
    metafile: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    plugins,
  }
}

/** CommonJS that was bundled calls `require`, which an ES module has not: it gets the entry file's. */
function withRequire(text: string, entry: string): string {
  const shim = 'typeof require !== "undefined" ? require'
  if (!text.includes(shim)) return text
  const own = `true ? process.getBuiltinModule("node:module").createRequire(${JSON.stringify(pathToFileURL(entry).href)})`
  return text.replace(shim, own)
}

function doesNotCompile(source: Source, failure: BuildFailure): EngineError {
  const errors = (failure.errors ?? []).map((error) => lineOf(error, source.functionsDir))
  const message = errors.length > 0 ? errors.join('; ') : String(failure)
  return new EngineError('function_does_not_compile', message, {
    retryable: true,
    details: { function: source.name, file: source.entry, errors },
  })
}

function lineOf(error: Message, dir: string): string {
  if (error.location === null) return error.text
  const { file, line, column } = error.location
  return `${resolve(dir, file)}:${line}:${column + 1}: ${error.text}`
}
