/**
 * A server program that dies with us, whatever kills us. Between us and the server stands a few lines of `sh` that hold
 * the reading end of a pipe from us: when we are gone, by SIGKILL too, the pipe ends, and `sh` stops the server. Our own
 * `stop()` closes the same pipe, so there is one way down. The pair lives in a session of its own, so that a Ctrl-C at
 * the terminal reaches only us, and we stop the servers in order.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { EngineError } from '../base/error.ts'
import { lastLines } from './last-lines.ts'
import { isAlive } from './life.ts'

export interface Program {
  /** As people call it: "Kafka". */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** stdout and stderr go here; emptied at each start, so that it holds one life. */
  readonly logFile: string
  /** What asks it to stop; SIGKILL follows when it is still there after `graceMs`. */
  readonly stopSignal: 'TERM' | 'INT'
  readonly graceMs: number
  /** Whom to run as, when we are root and the server will not. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
}

export interface Leashed {
  /** Of the server itself. */
  readonly pid: number
  /** The server's exit code, once it has ended; signals read as 128 + n. */
  readonly exited: Promise<number>
  /** Stops the server; kills it after `graceMs` (the program's own by default). Twice is safe. */
  stop(graceMs?: number): Promise<void>
}

/** fd 0 is the lifeline, fd 3 takes the server's pid. The watcher outlives a killed supervisor; so does its duty. */
const supervisor = `
signal=$1; tenths=$2; shift 2
exec 4<&0 </dev/null
"$@" 3>&- 4<&- &
server=$!
echo "$server" >&3
exec 3>&-
(
  read -r _ <&4
  kill -s "$signal" "$server"
  while [ "$tenths" -gt 0 ] && kill -0 "$server"; do sleep 0.1; tenths=$((tenths - 1)); done
  kill -s KILL "$server"
) 2>/dev/null &
watcher=$!
exec 4<&-
wait "$server"; code=$?
{ kill -s KILL "$watcher"; wait "$watcher"; } 2>/dev/null
exit "$code"
`

/** Starts the program; resolves once it has a pid, which is before it answers. */
export async function leash(program: Program): Promise<Leashed> {
  if (process.platform === 'win32') throw onWindows()
  const child = spawnSupervisor(program)
  const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 128)))
  const pid = await pidOf(child, program)
  let stopping: Promise<void> | undefined
  return {
    pid,
    exited,
    stop(graceMs = program.graceMs) {
      stopping ??= bringDown(child, pid, exited, graceMs)
      return stopping
    },
  }
}

/** Runs a program that ends by itself, on the same leash; throws `local_start_failed` when it ends badly. */
export async function runToEnd(program: Program, signal?: AbortSignal): Promise<void> {
  const running = await leash(program)
  const abort = () => void running.stop()
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort)
  const code = await running.exited
  signal?.removeEventListener('abort', abort)
  signal?.throwIfAborted()
  if (code !== 0) throw startFailed(program, `ended with code ${code}`)
}

/** The error of a server that did not come up: what happened, and the last that it said. */
export function startFailed(program: Program, what: string): EngineError {
  const lines = lastLines(program.logFile)
  const said = lines.length > 0 ? `; it said last:\n  ${lines.join('\n  ')}` : ''
  return new EngineError('local_start_failed', `${program.name} ${what} (log: ${program.logFile})${said}`, {
    details: { server: program.name, log: program.logFile, lines },
  })
}

function spawnSupervisor(program: Program): ChildProcess {
  const log = openSync(program.logFile, 'w', 0o600)
  try {
    const tenths = String(Math.ceil(program.graceMs / 100))
    const args = ['-c', supervisor, 'millrace-leash', program.stopSignal, tenths, program.command, ...program.args]
    return spawn('/bin/sh', args, {
      cwd: program.cwd,
      env: program.env,
      detached: true,
      stdio: ['pipe', log, log, 'pipe'],
      ...program.user,
    })
  } finally {
    closeSync(log)
  }
}

async function pidOf(child: ChildProcess, program: Program): Promise<number> {
  child.stdin?.on('error', ignore)
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(startFailed(program, `could not be started: ${cause.message}`)))
  })
  const pid = Number.parseInt(await Promise.race([failed, textOf(child.stdio[3] as Readable)]), 10)
  if (Number.isNaN(pid)) throw startFailed(program, 'could not be started')
  return pid
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

async function bringDown(child: ChildProcess, pid: number, exited: Promise<number>, graceMs: number): Promise<void> {
  ;(child.stdin as Writable).end()
  await waitGone(pid, graceMs)
  if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  await waitGone(pid, killedWithinMs)
  await exited
}

/** A killed process is gone as soon as the kernel gets round to it; seconds only on a machine that stands still. */
const killedWithinMs = 5000

async function waitGone(pid: number, forMs: number): Promise<void> {
  const endsAt = performance.now() + forMs
  while (isAlive(pid) && performance.now() < endsAt) await sleep(20)
}

/** The supervisor may be gone when we close its pipe: that is what we wanted. */
function ignore(): void {}

function onWindows(): EngineError {
  return new EngineError(
    'windows_unsupported',
    'Local servers need Linux or macOS (on Windows use WSL), or name servers of your own with KAFKA_BROKERS and DATABASE_URL.',
  )
}
