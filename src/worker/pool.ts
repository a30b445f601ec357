/**
 * Runs authors' functions in processes of their own. Every invocation ends in exactly one result, whatever the function
 * or its process does, until the pool is stopped.
 */
import { mkdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '../base/assert.ts'
import { crashAtForWorkers } from '../base/crash-point.ts'
import { publish } from '../telemetry/channels.ts'
import { createBuilder } from './build.ts'
import { scrubbed } from './environment.ts'
import { defaultLimits, type PoolLimits } from './limits.ts'
import { type Entry, ended, enter } from './pool/entry.ts'
import { Fleet, type Surroundings } from './pool/fleet.ts'
import { Share } from './pool/share.ts'
import { type FunctionStats, statsOf } from './pool/stats.ts'
import type { Invocation, InvocationResult } from './port.ts'

export interface PoolOptions {
  /** `<workflows dir>/functions`. */
  readonly functionsDir: string
  /** For compiled files; may be anywhere. */
  readonly cacheDir: string
  readonly limits?: Partial<PoolLimits>
  /** Names of environment variables that functions may see, besides PATH, HOME, LANG, LC_*, TZ and TMPDIR. */
  readonly env?: readonly string[]
  /** Functions' spans are wanted: they are told on the channel `function.spans`. */
  readonly traced?: boolean
}

export interface Pool extends AsyncDisposable {
  start(): Promise<void>
  /** Hands over work; the results come to the listeners, in any order, never before this returns. */
  invoke(invocations: readonly Invocation[]): void
  /** Work for these functions is near: those without a process start one, as long as there is room for more. */
  warm(functions: readonly string[]): void
  /** Returns the way to stop listening. */
  onResults(listener: (results: readonly InvocationResult[]) => void): () => void
  /**
   * Hears of invocations whose function is not idempotent when a process keeps a slot for them, once for each; they are
   * called by `proceed`. Returns the way to stop listening.
   */
  onReserved(listener: (ids: readonly number[]) => void): () => void
  /**
   * What waits ends as `lost` with code `cancelled`. What runs has its signal aborted, and ends as its function then
   * says, but never with `retry`: what a plain throw or `retry()` leaves unknown ends as `fail`. It may have done what it
   * was for. False when there is no such invocation.
   */
  cancel(id: number): boolean
  /** The same for several. */
  abort(ids: readonly number[]): void
  /** The same for all that waits (or these of it), and nothing for what runs. */
  cancelWaiting(ids?: ReadonlySet<number>): void
  /** Calls functions that slots are kept for. From here on an attempt is stamped, and its time counts. */
  proceed(ids: readonly number[]): void
  /** A process of this function said that it has no effects outside; false while nobody knows. */
  isEffectFree(name: string): boolean
  /** Looks at the files of these functions again (of all by default); returns the names of those that changed. */
  reload(names?: readonly string[]): Promise<string[]>
  stats(): PoolStats
  /** Takes nothing more, finishes within `drainMs` what it has, then kills. What is not finished has no result. */
  stop(options?: { drainMs?: number }): Promise<void>
}

export interface PoolStats {
  readonly processes: number
  readonly running: number
  readonly waiting: number
  readonly functions: readonly FunctionStats[]
}

export function createPool(options: PoolOptions): Pool {
  return new WorkerPool(options)
}

class WorkerPool implements Pool {
  readonly #cacheDir: string
  readonly #limits: PoolLimits
  readonly #around: Surroundings
  readonly #share: Share
  readonly #fleets = new Map<string, Fleet>()
  readonly #open = new Map<number, Entry>()
  readonly #listeners = new Set<(results: readonly InvocationResult[]) => void>()
  readonly #reservedListeners = new Set<(ids: readonly number[]) => void>()
  #reserved: Entry[] = []
  #finished: InvocationResult[] = []
  #state: 'new' | 'started' | 'draining' | 'stopped' = 'new'
  #sweeper: NodeJS.Timeout | null = null
  #stopping: Promise<void> | null = null

  constructor({ functionsDir, cacheDir, limits, env, traced = false }: PoolOptions) {
    this.#cacheDir = cacheDir
    this.#limits = { ...defaultLimits, ...limits }
    this.#share = new Share(this.#limits.processesMax, () => this.#fleets.values())
    this.#around = {
      builder: createBuilder({ functionsDir, cacheDir, traced }),
      limits: this.#limits,
      env: { ...scrubbed(env ?? []), ...crashAtForWorkers() },
      finish: (entry, result) => this.#finish(entry, result),
      announce: (entry) => this.#announce(entry),
      mayStart: (fleet) => this.#share.mayStart(fleet),
      mayWarm: () => this.#share.mayWarm(),
      released: () => this.#share.released(),
      idle: (fleet, process) => this.#share.idle(fleet, process),
      isClosed: () => this.#state === 'stopped',
    }
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'started'
    await mkdir(this.#cacheDir, { recursive: true })
    this.#sweeper = setInterval(() => this.#sweep(), this.#limits.sweepMs).unref()
    // Ahead of the first invocation; if it fails, that one meets the same error and it is told there.
    this.#around.builder.program().catch(() => {})
  }

  invoke(invocations: readonly Invocation[]): void {
    assert(this.#state !== 'new', 'the pool is started before it is given work')
    if (this.#state !== 'started') return
    const fleets = new Set<Fleet>()
    const nowMs = performance.now()
    for (const invocation of invocations) {
      assert(!this.#open.has(invocation.id), 'the id of an invocation is unique among what is in flight')
      const entry = enter(invocation, nowMs)
      const fleet = this.#fleetOf(invocation.function)
      this.#open.set(invocation.id, entry)
      fleet.queue.push(entry)
      fleets.add(fleet)
    }
    for (const fleet of fleets) fleet.pump()
  }

  warm(functions: readonly string[]): void {
    if (this.#state !== 'started') return
    for (const name of functions) this.#fleetOf(name).warm()
  }

  onResults(listener: (results: readonly InvocationResult[]) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  onReserved(listener: (ids: readonly number[]) => void): () => void {
    this.#reservedListeners.add(listener)
    return () => void this.#reservedListeners.delete(listener)
  }

  proceed(ids: readonly number[]): void {
    const byFleet = new Map<Fleet, Entry[]>()
    for (const id of ids) {
      const entry = this.#open.get(id)
      if (entry === undefined) continue
      const fleet = this.#fleetOf(entry.invocation.function)
      const entries = byFleet.get(fleet)
      if (entries === undefined) byFleet.set(fleet, [entry])
      else entries.push(entry)
    }
    for (const [fleet, entries] of byFleet) fleet.proceed(entries)
  }

  isEffectFree(name: string): boolean {
    return this.#fleets.get(name)?.effectFree === true
  }

  cancelWaiting(ids?: ReadonlySet<number>): void {
    const fleets = new Set<Fleet>()
    for (const [id, entry] of this.#open) {
      if (entry.state !== 'running' && ids?.has(id) !== false) fleets.add(this.#takeBack(entry))
    }
    for (const fleet of fleets) fleet.pump()
  }

  cancel(id: number): boolean {
    const known = this.#open.has(id)
    this.abort([id])
    return known
  }

  abort(ids: readonly number[]): void {
    const fleets = new Set<Fleet>()
    for (const id of ids) {
      const entry = this.#open.get(id)
      if (entry === undefined) continue
      if (entry.state === 'running') this.#fleetOf(entry.invocation.function).abort(entry)
      else fleets.add(this.#takeBack(entry))
    }
    for (const fleet of fleets) fleet.pump()
  }

  /** It was not called, so it did nothing. */
  #takeBack(entry: Entry): Fleet {
    const fleet = this.#fleetOf(entry.invocation.function)
    fleet.release(entry)
    this.#finish(entry, ended(entry, 'lost', 'cancelled', 'it was cancelled before it was run'))
    return fleet
  }

  async reload(names?: readonly string[]): Promise<string[]> {
    const fleets = [...this.#fleets.values()].filter((fleet) => names === undefined || names.includes(fleet.name))
    const changed = await Promise.all(fleets.map((fleet) => fleet.reload()))
    return fleets.filter((_, at) => changed[at]).map((fleet) => fleet.name)
  }

  stats(): PoolStats {
    const functions = [...this.#fleets.values()].map(statsOf)
    const sum = (of: (stats: FunctionStats) => number) => functions.reduce((total, stats) => total + of(stats), 0)
    return {
      processes: sum((stats) => stats.processes),
      running: sum((stats) => stats.running),
      waiting: sum((stats) => stats.waiting),
      functions,
    }
  }

  stop({ drainMs = 0 }: { drainMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(drainMs)
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(drainMs: number): Promise<void> {
    if (this.#state === 'started') this.#state = 'draining'
    const endMs = performance.now() + drainMs
    while (this.#open.size > 0 && performance.now() < endMs) await sleep(stopLookMs)
    this.#flush()
    this.#state = 'stopped'
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    for (const fleet of this.#fleets.values()) fleet.stop()
    const goneMs = performance.now() + this.#limits.exitMs
    while (this.stats().processes > 0 && performance.now() < goneMs) await sleep(stopLookMs)
  }

  #fleetOf(name: string): Fleet {
    const known = this.#fleets.get(name)
    if (known !== undefined) return known
    const fleet = new Fleet(name, this.#around)
    this.#fleets.set(name, fleet)
    return fleet
  }

  #announce(entry: Entry): void {
    this.#flushSoon()
    this.#reserved.push(entry)
  }

  #finish(entry: Entry, result: InvocationResult): void {
    if (entry.state === 'settled' || this.#state === 'stopped') return
    entry.state = 'settled'
    this.#open.delete(entry.invocation.id)
    this.#flushSoon()
    this.#finished.push(result)
  }

  #flushSoon(): void {
    if (this.#finished.length + this.#reserved.length === 0) queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    const results = this.#finished
    const reserved = this.#reserved.filter((entry) => entry.state !== 'settled')
    this.#finished = []
    this.#reserved = []
    const ids = reserved.map((entry) => entry.invocation.id)
    if (ids.length > 0) for (const listener of this.#reservedListeners) listener(ids)
    if (results.length > 0) for (const listener of this.#listeners) listener(results)
  }

  #sweep(): void {
    const nowMs = performance.now()
    for (const fleet of this.#fleets.values()) fleet.sweep(nowMs)
    this.#share.sweep()
    for (const fleet of this.#fleets.values()) this.#tell(statsOf(fleet))
  }

  /** Only of functions that have processes or work. */
  #tell({ name, processes, busy, waiting }: FunctionStats): void {
    if (processes + waiting > 0) publish('pool', { function: name, processes, busy, waiting })
  }
}

/** How often a stopping pool looks whether it is done. */
const stopLookMs = 5
