/**
 * One owner for each data folder. The servers guard their data themselves, but late and in their own words; a claim
 * answers soon, names the folder and the owner, and waits for a server whose owner was just killed.
 */
import { accessSync, constants, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '../base/assert.ts'
import { EngineError, messageOf } from '../base/error.ts'
import { type Life, lifeOf, lives } from './life.ts'

export interface Claim {
  /** The server that ran here before and was not stopped by its owner; surely dead. */
  readonly formerPid: number | null
  /** Notes the server that runs here now, so that the next owner can wait for its end. */
  runs(pid: number): void
  release(): void
}

/**
 * Takes the folder, which is made when it is missing. Throws `data_dir_in_use` while another live process has it, and
 * `data_dir_unusable` when we may not write there.
 */
export async function claim(dataDir: string, signal?: AbortSignal): Promise<Claim> {
  prepare(dataDir)
  const owner = lifeOf(process.pid)
  assert(owner, 'this process is alive')
  let former: Note | null = null
  const began = performance.now()
  while (!take(dataDir, owner)) {
    signal?.throwIfAborted()
    former = read(dataDir) ?? former
    if (former && !(await isOver(former, dataDir, performance.now() - began))) continue
    rmSync(noteFile(dataDir), { force: true })
  }
  return {
    formerPid: former?.server?.pid ?? null,
    runs: (pid) => write(dataDir, { owner, server: lifeOf(pid) }),
    release: () => rmSync(noteFile(dataDir), { force: true }),
  }
}

export function inUse(dataDir: string, by: string): EngineError {
  return new EngineError('data_dir_in_use', `The data folder ${dataDir} is in use by ${by}; stop it first.`, {
    details: { dataDir },
  })
}

function prepare(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true })
    accessSync(dataDir, constants.W_OK | constants.X_OK)
  } catch (cause) {
    const message = `The data folder ${dataDir} cannot be used: ${messageOf(cause)}`
    throw new EngineError('data_dir_unusable', message, { cause, details: { dataDir } })
  }
}

interface Note {
  readonly owner: Life
  readonly server: Life | null
}

/** A killed owner is not gone at once; whoever kills and starts again should not have to count. */
const ownerGoneWithinMs = 1000

/** The longest grace on a leash (10 s) and the kill after it. */
const orphanGoneWithinMs = 15_000

const askEveryMs = 50

/** True when nobody uses the folder any more; false after a short wait for a process that may be on its way down. */
async function isOver(note: Note, dataDir: string, waitedMs: number): Promise<boolean> {
  const { owner, server } = note
  if (lives(owner)) {
    if (owner.pid === process.pid || waitedMs > ownerGoneWithinMs) throw inUse(dataDir, `process ${owner.pid}`)
  } else {
    if (!server || !lives(server)) return true
    if (waitedMs > orphanGoneWithinMs) throw inUse(dataDir, `its server, process ${server.pid}`)
  }
  await sleep(askEveryMs)
  return false
}

/** A link appears with its content or not at all, and only where there is none. */
function take(dataDir: string, owner: Life): boolean {
  const draft = draftFile(dataDir)
  writeFileSync(draft, JSON.stringify({ owner, server: null } satisfies Note))
  try {
    linkSync(draft, noteFile(dataDir))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(draft)
  }
}

function write(dataDir: string, note: Note): void {
  writeFileSync(draftFile(dataDir), JSON.stringify(note))
  renameSync(draftFile(dataDir), noteFile(dataDir))
}

/** Null when it is gone by now, or is not ours to read. */
function read(dataDir: string): Note | null {
  try {
    return JSON.parse(readFileSync(noteFile(dataDir), 'utf8')) as Note
  } catch {
    return null
  }
}

const noteFile = (dataDir: string) => join(dataDir, 'in-use.json')
const draftFile = (dataDir: string) => `${noteFile(dataDir)}.${process.pid}`
