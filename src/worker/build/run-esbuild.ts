/**
 * The one place that calls esbuild. It works in a process of its own, which may be killed like any other (by a person, or
 * for want of memory) and which it does not start again by itself.
 */
import type { BuildOptions, BuildResult } from 'esbuild'

/** How many of its processes have been given up: of several that met the same death only the first sees to it. */
let gone = 0

/** Throws esbuild's `BuildFailure`. A process that died under it is replaced, once. */
export async function runEsbuild<Options extends BuildOptions>(options: Options): Promise<BuildResult<Options>> {
  const { build, stop } = await import('esbuild')
  const before = gone
  try {
    return await build(options as never)
  } catch (failure) {
    if (!hasDied(failure)) throw failure
    if (gone === before) {
      gone++
      await stop()
    }
    return await build(options as never)
  }
}

function hasDied(failure: unknown): boolean {
  return failure instanceof Error && /^The service (?:was stopped|is no longer running)/.test(failure.message)
}
