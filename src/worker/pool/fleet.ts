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
  /** A slot is kept for it: its function is not idempotent. Said once for each. */
  announce(entry: Entry): void
  /** True when one more process may be started now; else the fleet is pumped again when one may. */
  mayStart(fleet: Fleet): boolean
  /** The same for one that nobody waits for yet. */
  mayWarm(): boolean
  /** A process that `mayStart` or `mayWarm` allowed is gone, or was not started after all. */
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
  /** What a process said of the function as it is now: it has no effects outside. False while nobody knows. */
  effectFree = false
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
    if (this.queue.size === 0) return
    for (const process of this.processes) if (process.slots() === 0) process.window.wasFull()
    this.#grow()
  }

  /** Work is near: the first process starts ahead of it. */
  warm(): void {
    if (this.processes.length > 0 || this.#starting !== null || this.supply.waitMs() > 0) return
    if (!this.#around.isClosed() && this.#around.mayWarm()) void this.#start()
  }

  /** Looks at the author's files again; running attempts end on what they began with. True when it changed. */
  async reload(): Promise<boolean> {
    const changed = await this.supply.reload()
    if (changed) this.effectFree = false
    for (const process of [...this.processes]) if (!this.supply.isCurrent(process.hash)) process.retire()
    this.pump()
    return changed
  }

  /** Memory and idleness of its processes. */
  sweep(nowMs: number): void {
    const { idleMs } = this.#around.limits
    for (const process of [...this.processes]) {
      process.checkMemory()
      process.releaseStale(nowMs)
      if (process.isIdle() && nowMs - process.usedMs >= idleMs) process.retire()
    }
  }

  /** Tells the function of a running attempt to give up. */
  abort(entry: Entry): void {
    this.processes.find((process) => process.running.has(entry.invocation.id))?.abort(entry)
  }

  /** Calls those that slots are kept for; those that have lost theirs are called with their next one. */
  proceed(entries: readonly Entry[]): void {
    const nowMs = performance.now()
    const called = new Set<WorkerProcess>()
    let count = 0
    for (const entry of entries) {
      entry.proceeds = true
      const process = this.#keeperOf(entry)
      if (process === undefined) continue
      if (entry.notAfterMs <= nowMs) {
        process.release(entry)
        this.#around.finish(entry, expired(entry))
        continue
      }
      process.call(entry)
      called.add(process)
      count++
    }
    for (const process of called) process.send()
    if (count > 0) publish('dispatch', { function: this.name, invocations: count })
    if (count < entries.length) this.pump()
  }

  /** Takes back an attempt that was not called; `pump` is still to be called. */
  release(entry: Entry): void {
    if (entry.state === 'waiting') this.queue.forget()
    else this.#keeperOf(entry)?.release(entry)
  }

  #keeperOf({ invocation }: Entry): WorkerProcess | undefined {
    return this.processes.find((process) => process.kept.has(invocation.id))
  }

  stop(): void {
    this.#expiry.stop()
    this.#growth.stop()
    for (const process of [...this.processes]) process.kill({ code: 'stopped', message: 'the pool has stopped' })
  }

  #giveTogether(): number {
    const given = new Set<WorkerProcess>()
    let count = 0
    if (this.queue.size === 0) return 0
    const nowMs = performance.now()
    for (let to = this.#next(nowMs); to !== null; to = this.#next(nowMs)) {
      const entry = this.queue.take('together')
      if (entry === undefined) break
      if (this.#give(entry, to)) count++
      given.add(to)
    }
    for (const process of given) process.send()
    return count
  }

  #giveAlone(): number {
    let count = 0
    while (this.queue.hasAlone()) {
      const idle = this.processes.find((process) => process.isIdle())
      if (idle === undefined) break
      if (this.#give(this.queue.take('alone')!, idle)) count++
      idle.alone = idle.load > 0
      idle.send()
    }
    if (this.queue.hasAlone()) this.#emptyOne()
    return count
  }

  /** True when it is called at once. What was sent ahead of its commit is only for a function without effects. */
  #give(entry: Entry, process: WorkerProcess): boolean {
    if (entry.invocation.ahead && !process.effectFree) {
      this.#around.finish(entry, ended(entry, 'lost', 'not_effect_free', 'its function may have effects by now'))
      return false
    }
    process.take(entry)
    if (entry.state !== 'reserved') return true
    if (!entry.announced) this.#around.announce(entry)
    entry.announced = true
    return false
  }

  /** A process that is always given more never becomes empty by itself. */
  #emptyOne(): void {
    const roomiest = this.#roomiest()
    if (roomiest !== null && !this.processes.some((process) => process.alone)) roomiest.alone = true
  }

  /** Where the next attempt goes: to one that is done with it at once, or else to where there is most room. */
  #next(nowMs: number): WorkerProcess | null {
    for (const process of this.processes) {
      if (process.slots() > 0 && process.window.isQuick(process.load, nowMs)) return process
    }
    return this.#roomiest()
  }

  /** Of processes equally busy always the same, so that the others become idle and go. */
  #roomiest(): WorkerProcess | null {
    let best: WorkerProcess | null = null
    for (const process of this.processes) {
      if (process.slots() > 0 && (best === null || process.load < best.load)) best = process
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
      const [program, built] = await Promise.all([builder.program(), this.supply.built()])
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
      returned: (entries, stale) => this.#onReturned(entries, stale),
      gone: (reason, inFlight) => this.#onGone(process, reason, inFlight),
    })
    return process
  }

  #onReady(process: WorkerProcess): void {
    this.#starting = null
    this.supply.worked()
    if (this.supply.isCurrent(process.hash)) this.effectFree = process.effectFree
    else process.retire()
  }

  #onTurned(process: WorkerProcess): void {
    this.pump()
    if (process.isIdle()) this.#around.idle(this, process)
  }

  /** From the last to the first, so that they stand in front as they stood before; who let others wait stands behind. */
  #onReturned(entries: readonly Entry[], stale: boolean): void {
    if (stale) for (const entry of entries) this.queue.putBack(entry, 'back')
    else for (const entry of entries.toReversed()) this.queue.putBack(entry, 'front')
    if (stale) this.pump()
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
      this.#around.finish(entry, expired(entry))
    }
    this.#expiry.by(Math.max(this.queue.nextExpiryMs, nowMs + expireEveryMs))
  }
}

function expired(entry: Entry): InvocationResult {
  return ended(entry, 'timeout', 'queue_timeout', 'its time was over before it was run')
}

/** The waiting ones are looked through at most this often. */
const expireEveryMs = 20
