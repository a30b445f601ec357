/** The processes of a side while they are measured: their CPU, memory and frames. They go when we do, whatever ends us. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { ownSeconds, residentMb, treeResidentMb, treeSeconds } from './cpu.ts'

export interface Program {
  /** Node's own flags, the program, its arguments. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly logFile: string
  /** Where it says how it is, if it does: see `/readyz` in docs/operations.md. */
  readonly port?: number
}

/** Of all coordinators together. */
export interface Health {
  readonly ready: boolean
  readonly lanes: number
  /** Transactions that run. */
  readonly running: number
  readonly workers: { readonly processes: number; readonly running: number; readonly waiting: number }
}

export interface Frames {
  readonly frames: number
  readonly calls: number
}

const living = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

/** Asked to end, a coordinator has 10 s for what runs. */
const endMsMax = 20_000

export class Running {
  readonly #children: readonly ChildProcess[]
  readonly pids: readonly number[]
  readonly #ports: readonly number[]

  constructor(programs: readonly Program[]) {
    this.#children = programs.map(start)
    this.#ports = programs.flatMap(({ port }) => port ?? [])
    this.pids = this.#children.map(({ pid }) => pid as number)
  }

  /** Seconds of the main processes, and of all that they have started. */
  cpu(): { coordinator: number; workers: number } {
    const coordinator = sum(this.pids.map(ownSeconds))
    return { coordinator, workers: sum(this.pids.map(treeSeconds)) - coordinator }
  }

  residentMb(): number {
    return sum(this.pids.map(treeResidentMb))
  }

  /** Of the largest of the main processes alone. */
  coordinatorMb(): number {
    return Math.max(...this.pids.map(residentMb))
  }

  /** Since their start. */
  async frames(): Promise<Frames> {
    const counts = await Promise.all(this.#children.map(ask))
    return { frames: sum(counts.map(({ frames }) => frames)), calls: sum(counts.map(({ calls }) => calls)) }
  }

  /** Null of those that do not say. */
  async health(): Promise<Health | null> {
    if (this.#ports.length === 0) return null
    const all = await Promise.all(this.#ports.map(askHealth))
    const total = (of: (health: Health) => number) => sum(all.map(of))
    return {
      ready: all.every(({ ready }) => ready),
      lanes: total(({ lanes = 0 }) => lanes),
      running: total(({ running = 0 }) => running),
      workers: {
        processes: total(({ workers }) => workers.processes),
        running: total(({ workers }) => workers.running),
        waiting: total(({ workers }) => workers.waiting),
      },
    }
  }

  /** Throws when one has ended by itself. */
  check(): void {
    const gone = this.#children.find((child) => child.exitCode !== null || child.signalCode !== null)
    if (gone)
      throw new Error(`a measured process has ended with ${gone.exitCode ?? gone.signalCode}: ${logOf.get(gone)}`)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map(end))
  }
}

const logOf = new WeakMap<ChildProcess, string>()

function start({ args, env, logFile }: Program): ChildProcess {
  const log = openSync(logFile, 'a')
  const child = spawn(process.execPath, [...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  living.add(child)
  logOf.set(child, `its log is ${logFile}`)
  child.once('exit', () => living.delete(child))
  return child
}

async function ask(child: ChildProcess): Promise<Frames> {
  const answer = once(child, 'message')
  child.send('frames')
  return (await answer)[0] as Frames
}

/** Nothing yet, of one that has not come so far. */
async function askHealth(port: number): Promise<Health> {
  try {
    return (await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()) as Health
  } catch {
    return { ready: false, lanes: 0, running: 0, workers: { processes: 0, running: 0, waiting: 0 } }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), endMsMax)
  await exited
  clearTimeout(late)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
