/** A disk so small that it can be filled: a file system in memory, mounted for one row. */
import { execFileSync } from 'node:child_process'
import { chownSync, closeSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface SmallDisk {
  /** For whoever the owner is. */
  readonly dir: string
  fill(): void
  free(): void
  unmount(): void
}

/** An empty database takes 8 MB, the row's events some more. */
const size = '96m'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

export function ownerOf(pid: number): Owner {
  const { uid, gid } = statSync(`/proc/${pid}`)
  return { uid, gid }
}

/** Null where nothing may be mounted. */
export function smallDisk(at: string, owner: Owner): SmallDisk | null {
  mkdirSync(at, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', at], { stdio: 'ignore' })
  } catch {
    rmSync(at, { recursive: true, force: true })
    return null
  }
  const dir = join(at, 'data')
  mkdirSync(dir, { mode: 0o700 })
  chownSync(dir, owner.uid, owner.gid)
  const ballast = join(at, 'ballast')
  return {
    dir,
    fill: () => fillWith(ballast),
    free: () => rmSync(ballast, { force: true }),
    unmount: () => void execFileSync('umount', ['--lazy', at], { stdio: 'ignore' }),
  }
}

function fillWith(file: string): void {
  const fd = openSync(file, 'w')
  try {
    for (let bytes = 1 << 20; bytes >= 4096; ) bytes = writes(fd, bytes) ? bytes : bytes >> 1
  } finally {
    closeSync(fd)
  }
}

/** False when the disk is full. */
function writes(fd: number, bytes: number): boolean {
  try {
    return writeSync(fd, Buffer.alloc(bytes)) > 0
  } catch {
    return false
  }
}
