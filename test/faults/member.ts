/** A coordinator as users run it, `millrace run` in a process of its own, with its log in a file. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from '../../src/base/package-root.ts'

export interface MemberOptions {
  readonly workflowsDir: string
  readonly logFile: string
  readonly env: Readonly<Record<string, string>>
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class Member {
  readonly pid: number
  readonly logFile: string
  readonly exited: Promise<Exit>
  exit: Exit | null = null
  /** It was told to go, or to crash; else its end is a failure. */
  mayEnd = false

  constructor(options: MemberOptions) {
    this.logFile = options.logFile
    const child = start(options)
    this.pid = child.pid as number
    living.add(this.pid)
    this.exited = once(child, 'exit').then(([code, signal]) => {
      this.exit = { code, signal }
      living.delete(this.pid)
      return this.exit
    })
  }

  /** As `lanes.owner` names it. */
  get owner(): string {
    return `${hostname()}:${this.pid}`
  }

  signal(signal: NodeJS.Signals): void {
    this.mayEnd ||= signal === 'SIGTERM' || signal === 'SIGKILL'
    if (this.exit === null) process.kill(this.pid, signal)
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.exited
  }

  /** What it logged of one kind. */
  facts(name: string): Record<string, unknown>[] {
    return this.log().filter((line) => line.fact === name)
  }

  log(): Record<string, unknown>[] {
    return readFileSync(this.logFile, 'utf8')
      .split('\n')
      .map(parsed)
      .filter((line) => line !== null)
  }

  /** Its worker processes that live. */
  workerPids(): number[] {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return pids.filter((pid) => parentOf(pid) === this.pid).map(Number)
  }
}

const preload = fileURLToPath(new URL('./preload.js', import.meta.url))

/** Those that live go with us. */
const living = new Set<number>()
process.on('exit', () => {
  for (const pid of living) process.kill(pid, 'SIGKILL')
})

function start({ workflowsDir, logFile, env }: MemberOptions): ChildProcess {
  const main = join(packageRoot(), 'dist/src/cli/main.js')
  const flags = ['--enable-source-maps', '--import', preload]
  const log = openSync(logFile, 'a')
  try {
    return spawn(process.execPath, [...flags, main, 'run', '--workflows', workflowsDir], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        MILLRACE_HTTP_PORT: '0',
        MILLRACE_LOG_FORMAT: 'json',
        ...env,
      },
      stdio: ['ignore', log, log],
    })
  } finally {
    closeSync(log)
  }
}

function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null
  }
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
