/** The processes of one function and the invocations that wait for them. */
import { EngineError } from '../../base/error.ts'
import { publish } from '../../telemetry/channels.ts'
import type { Builder } from '../build.ts'
import type { PoolLimits } from '../limits.ts'
import type { InvocationResult } from '../port.ts'
import { Deadline } from './deadline.ts'
import { type Entry, ended } from './entry.ts'
import { type ProcessOptions, WorkerProcess } from './process.ts'
import { Queue } from './queue.ts'
import { Supply } from './supply.ts'

/** What a fleet asks of the pool it belongs to. */
export interface Surroundings {
  readonly builder: Builder
  readonly limits: PoolLimits
  readonly env: Readonly<Record<string, string>>
  finish(entry: Entry, result: InvocationResult): void
  /** True when one more process may be started now; else the fleet is pumped again when one may. */
  mayStart(fleet: Fleet): boolean
  /** A process that `mayStart` allowed is gone, or was not started after all. */
  released(): void
  /** A process has nothing to do. */
  idle(fleet: Fleet, process: WorkerProcess): void
  /** The pool stops: nothing is started for what waits. */
  isClosed(): boolean
}

export class Fleet {
  readonly name: string
  readonly queue = new Queue()
  readonly processes: WorkerProcess[] = []
  readonly supply: Supply
  readonly #around: Surroundings
  readonly #expiry: Deadline
  readonly #growth: Deadline
  /** One at a time, from the decision to start it until it is ready or gone. */
  #starting: WorkerProcess | 'building' | null = null

  constructor(name: string, around: Surroundings) {
    this.name = name
    this.#around = around
    this.supply = new Supply(name, around.builder, around.limits)
    this.#expiry = new Deadline((nowMs) => this.#expire(nowMs))
    this.#growth = new Deadline(() => this.pump())
  }

  /** Gives waiting work to processes that have room, and starts one more where that is not enough. */
  pump(): void {
    if (this.#around.isClosed()) return
    this.#expire(performance.now())
    const given = this.#giveAlone() + this.#giveTogether()
    if (given > 0) publish('dispatch', { function: this.name, invocations: given })
    if (this.queue.size > 0) this.#grow()
  }

  /** Looks at the author's files again; running attempts end on what they began with. True when it changed. */
  async reload(): Promise<boolean> {
    const changed = await this.supply.reload()
    for (const process of [...this.processes]) if (!this.supply.isCurrent(process.hash)) process.retire()
    this.pump()
    return changed
  }

  /** Memory and idleness of its processes. */
  sweep(nowMs: number): void {
    const { idleMs } = this.#around.limits
    for (const process of [...this.processes]) {
      process.checkMemory()
      if (process.isIdle() && nowMs - process.usedMs >= idleMs) process.retire()
    }
  }

  /** Tells the function of a running attempt to give up. */
  abort(entry: Entry): void {
    this.processes.find((process) => process.running.has(entry.invocation.id))?.abort(entry)
  }

  stop(): void {
    this.#expiry.stop()
    this.#growth.stop()
    for (const process of [...this.processes]) process.kill({ code: 'stopped', message: 'the pool has stopped' })
  }

  #giveTogether(): number {
    const given = new Set<WorkerProcess>()
    let count = 0
    for (let to = this.#roomiest(); to !== null; to = this.#roomiest()) {
      const entry = this.queue.take('together')
      if (entry === undefined) break
      to.add(entry)
      given.add(to)
      count++
    }
    for (const process of given) process.send()
    return count
  }

  #giveAlone(): number {
    let count = 0
    while (this.queue.hasAlone()) {
      const idle = this.processes.find((process) => process.isIdle())
      if (idle === undefined) break
      idle.reserved = true
      idle.add(this.queue.take('alone')!)
      idle.send()
      count++
    }
    if (this.queue.hasAlone()) this.#emptyOne()
    return count
  }

  /** A process that is always given more never becomes empty by itself. */
  #emptyOne(): void {
    const roomiest = this.#roomiest()
    if (roomiest !== null && !this.processes.some((process) => process.reserved)) roomiest.reserved = true
  }

  /** Of processes equally busy always the same, so that the others become idle and go. */
  #roomiest(): WorkerProcess | null {
    let best: WorkerProcess | null = null
    for (const process of this.processes) {
      if (process.slots() > 0 && (best === null || process.running.size < best.running.size)) best = process
    }
    return best
  }

  #grow(): void {
    const { limits } = this.#around
    if (this.#starting !== null || this.#around.isClosed()) return
    // Those that leave count for the pool, not here: after a reload the new ones do not wait for the old.
    const staying = this.processes.filter((process) => process.state !== 'leaving')
    if (staying.length >= limits.processesPerFunctionMax) return
    const ready = this.processes.some((process) => process.state === 'ready')
    const growMs = ready ? this.queue.oldestMs() + limits.growAfterMs - performance.now() : 0
    const waitMs = Math.max(growMs, this.supply.waitMs())
    if (waitMs > 0) this.#growth.by(performance.now() + waitMs)
    else if (this.#around.mayStart(this)) void this.#start()
  }

  async #start(): Promise<void> {
    this.#starting = 'building'
    try {
      const { builder, limits, env } = this.#around
      const [program, built] = await Promise.all([builder.childProgram(), this.supply.built()])
      if (this.#around.isClosed()) return
      this.#starting = this.#launch({ program, built, limits, env })
      this.processes.push(this.#starting)
    } catch (error) {
      this.#failed(error)
      this.#starting = null
      this.#around.released()
      if (this.queue.size > 0) this.#grow()
    }
  }

  #launch(options: ProcessOptions): WorkerProcess {
    const process: WorkerProcess = new WorkerProcess(options, {
      ready: () => this.#onReady(process),
      unfit: (code, message) => this.#failed(new EngineError(code, message)),
      finish: this.#around.finish,
      turned: () => this.#onTurned(process),
      gone: (reason, inFlight) => this.#onGone(process, reason, inFlight),
    })
    return process
  }

  #onReady(process: WorkerProcess): void {
    this.#starting = null
    this.supply.worked()
    if (!this.supply.isCurrent(process.hash)) process.retire()
  }

  #onTurned(process: WorkerProcess): void {
    this.pump()
    if (process.isIdle()) this.#around.idle(this, process)
  }

  #onGone(process: WorkerProcess, reason: string, inFlight: number): void {
    this.processes.splice(this.processes.indexOf(process), 1)
    if (this.#starting === process) this.#starting = null
    publish('worker.gone', { function: this.name, pid: process.pid, reason, inFlight })
    this.#around.released()
    this.pump()
  }

  /** While others of its processes work, it is not the function that fails. */
  #failed(error: unknown): void {
    const works = this.processes.some((process) => process.state === 'ready')
    if (works) this.supply.backOff()
    else this.supply.failed(error, this.queue.size)
  }

  #expire(nowMs: number): void {
    for (const entry of this.queue.expired(nowMs)) {
      this.queue.forget()
      this.#around.finish(
        entry,
        ended(entry, 'timeout', 'queue_timeout', 'its time was over before a process was free'),
      )
    }
    this.#expiry.by(Math.max(this.queue.nextExpiryMs, nowMs + expireEveryMs))
  }
}

/** The waiting ones are looked through at most this often. */
const expireEveryMs = 20
