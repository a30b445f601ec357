/**
 * Tells when anything below a folder has changed. It looks at names, sizes and times again and again: that is sure on
 * every file system, where the notices of Node 20 miss files of new folders and those of network mounts are never sent.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A save is answered within two looks; hundreds of files cost a millisecond a look. */
const lookEveryMs = 250
/** A folder that is slow to look at takes at most this share of the time. */
const shareMax = 0.05

/** Calls `changed` after each burst of changes, once no more come; never twice at once. Ends with the signal. */
export async function watch(
  dir: string,
  signal: AbortSignal,
  changed: (paths: string[]) => Promise<void>,
): Promise<void> {
  let known = await look(dir)
  while (!signal.aborted) {
    const startedMs = performance.now()
    const seen = await look(dir)
    const tookMs = performance.now() - startedMs
    if (differences(known, seen).length > 0) {
      const now = await settled(dir, seen, signal)
      const paths = differences(known, now)
      known = now
      if (!signal.aborted && paths.length > 0) await changed(paths)
    }
    await pause(Math.max(lookEveryMs, tookMs / shareMax), signal)
  }
}

/** path -> what changes with its content */
type Look = ReadonlyMap<string, string>

/** Editors write, rename and format: a burst is over when two looks agree. */
async function settled(dir: string, first: Look, signal: AbortSignal): Promise<Look> {
  let before = first
  for (;;) {
    await pause(lookEveryMs, signal)
    const now = await look(dir)
    if (differences(before, now).length === 0 || signal.aborted) return now
    before = now
  }
}

function differences(before: Look, after: Look): string[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].filter((path) => before.get(path) !== after.get(path)).sort()
}

async function look(dir: string): Promise<Look> {
  const seen = new Map<string, string>()
  await collect(dir, seen)
  return seen
}

/** Hidden files are editors' drafts; packages change only by an install, which ends in a save elsewhere. */
async function collect(dir: string, into: Map<string, string>): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  for (const { name } of entries) {
    if (name.startsWith('.') || name === 'node_modules') continue
    const path = join(dir, name)
    const found = await stat(path).catch(() => null)
    if (found?.isDirectory()) await collect(path, into)
    else if (found) into.set(path, `${found.size} ${found.mtimeMs} ${found.ino}`)
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
