/** The one place that starts processes: with pipes of their own for frames, in a group of their own, and unseeing. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { EngineError } from '../../base/error.ts'
import type { Program } from '../build.ts'
import type { PoolLimits } from '../limits.ts'
import type { ChildSettings } from '../wire.ts'

export interface Child {
  readonly process: ChildProcess
  readonly pid: number
  readonly toChild: Writable
  readonly fromChild: Readable
  readonly stdout: Readable
  readonly stderr: Readable
}

/** Throws EngineError `cannot_spawn`. */
export function spawnChild(
  { child: program, tracing }: Program,
  module: string,
  limits: PoolLimits,
  env: Readonly<Record<string, string>>,
): Child {
  const { outputBytesMax, logBytesMax, messageCharsMax, abortLeadMs, heapMb } = limits
  const { emittedMax, emittedBytesMax, postedMax, postedBytesMax, spanBytesMax } = limits
  const coordinatorPid = process.pid
  const settings: ChildSettings = {
    module,
    coordinatorPid,
    outputBytesMax,
    logBytesMax,
    messageCharsMax,
    emittedMax,
    emittedBytesMax,
    postedMax,
    postedBytesMax,
    spanBytesMax,
    tracing,
    abortLeadMs,
  }
  const flags = [`--max-old-space-size=${heapMb}`, '--enable-source-maps']
  const child = spawn(process.execPath, [...flags, program, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env,
  })
  // Without a process id it was not started: the one case in which there is nothing to clean up.
  child.on('error', () => {})
  if (child.pid === undefined) throw new EngineError('cannot_spawn', 'no process could be started', { retryable: true })
  const [, stdout, stderr, toChild, fromChild] = child.stdio as unknown as [
    null,
    Readable,
    Readable,
    Writable,
    Readable,
  ]
  // A pipe breaks when its process dies, and of that its exit tells.
  toChild.on('error', () => {})
  fromChild.on('error', () => {})
  return { process: child, pid: child.pid, toChild, fromChild, stdout, stderr }
}

/** The process and all of its group; harmless when they are gone already. */
export function killGroup({ pid }: Child): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // There is nobody left.
  }
}
