/**
 * Where each import of an author's file leads. What is relative is bundled; what is a package stays outside, under
 * the absolute address it has from the author's file, so that the compiled file may lie anywhere. `millrace` is always
 * the engine that runs.
 */
import { isBuiltin } from 'node:module'
import { dirname, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild'

/** The engine's own index, in the form the engine itself runs in. */
const engineIndex = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../index.ts' : '../../index.js', import.meta.url),
)
const engineFolder = dirname(engineIndex) + sep
const asking = Symbol('asking esbuild itself')

/** URLs of the engine's own files. */
export interface OwnPackages {
  /** That which `millrace` exports. */
  readonly zod: string
  /** `@opentelemetry/api`. */
  readonly api: string
}

export function resolveImports(own: OwnPackages): Plugin {
  return {
    name: 'millrace-imports',
    setup(build) {
      build.onResolve({ filter: /.*/ }, (args) => {
        if (args.kind === 'entry-point' || args.pluginData === asking) return undefined
        return engineOwn(args, own) ?? platformOwn(args) ?? packageOf(build, args)
      })
    },
  }
}

/** The index is bundled, so that of `millrace` only what a function uses is loaded: zod costs 20 ms of a start. */
function engineOwn(args: OnResolveArgs, { zod, api }: OwnPackages): OnResolveResult | undefined {
  if (args.path === 'millrace') return { path: engineIndex, sideEffects: false }
  if (args.path === 'zod' && args.importer.startsWith(engineFolder))
    return { path: zod, external: true, sideEffects: false }
  // What asks for it by `require` takes its own.
  if (args.path === '@opentelemetry/api' && !args.kind.startsWith('require'))
    return { path: api, external: true, sideEffects: false }
  return undefined
}

function platformOwn(args: OnResolveArgs): OnResolveResult | undefined {
  if (isBuiltin(args.path)) return { path: args.path, external: true }
  if (/^(data|file):/.test(args.path)) return { path: args.path, external: true }
  return undefined
}

async function packageOf(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
  if (/^(\.{0,2}\/|\.{1,2}$)/.test(args.path)) return undefined
  const { path, importer, resolveDir, kind } = args
  const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: asking })
  if (found.errors.length > 0) return { errors: found.errors, warnings: found.warnings }
  if (!isRunnable(found.path)) return { path: found.path, namespace: found.namespace }
  const address = kind.startsWith('require') ? found.path : pathToFileURL(found.path).href
  return { path: address, external: true }
}

/** TypeScript of a linked package, or of an alias, and JSON: Node would not load them as they are. */
function isRunnable(path: string): boolean {
  return /\.(js|mjs|cjs|node)$/.test(path)
}
