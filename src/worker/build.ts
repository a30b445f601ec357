/**
 * Makes one file to run of an author's function and all it imports by a relative path, so that TypeScript runs as it
 * is written and a process loads one file.
 */
import { pathToFileURL } from 'node:url'
import { bundle } from './build/bundle.ts'
import { buildEngineFiles, type EngineFiles } from './build/engine.ts'
import { keep } from './build/keep.ts'
import { locate } from './build/locate.ts'

export interface Folders {
  /** `<workflows dir>/functions`. */
  readonly functionsDir: string
  /** Where compiled files go; may be anywhere, and may be deleted while nothing runs. */
  readonly cacheDir: string
  /** Functions' spans are wanted. */
  readonly traced?: boolean
}

export interface Built {
  /** The compiled file. */
  readonly path: string
  /** Of the compiled file's content, in hex. */
  readonly hash: string
  /** The author's files it was made of, absolute. */
  readonly inputs: readonly string[]
}

/** Files, each whole: what runs a function, and what makes its spans. */
export type Program = Pick<EngineFiles, 'child' | 'tracing'>

export interface Builder {
  /** The engine's own part of a worker process. */
  program(): Promise<Program>
  /** Throws EngineError `function_missing` (with the nearest names) or `function_does_not_compile` (file:line:col). */
  build(name: string): Promise<Built>
}

export function createBuilder({ functionsDir, cacheDir, traced = false }: Folders): Builder {
  let pending: Promise<EngineFiles> | null = null
  const engineFiles = () => {
    pending ??= buildEngineFiles(cacheDir, traced).catch((error) => {
      pending = null
      throw error
    })
    return pending
  }
  return {
    program: engineFiles,
    async build(name) {
      const entry = await locate(functionsDir, name)
      const { zod, api } = await engineFiles()
      const own = { zod: pathToFileURL(zod).href, api: pathToFileURL(api).href }
      const { text, inputs } = await bundle({ name, entry, own, functionsDir, cacheDir })
      return { ...(await keep(cacheDir, name, text)), inputs }
    },
  }
}
