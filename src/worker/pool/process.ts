/** One worker process from its spawn to its end: what it is sent, what it answers, when it is killed. */

import { publish } from '../../telemetry/channels.ts'
import type { Built, Program } from '../build.ts'
import type { PoolLimits } from '../limits.ts'
import { residentMb } from '../memory.ts'
import type { InvocationResult } from '../port.ts'
import { writeCall, writePair } from '../wire.ts'
import { Deadline } from './deadline.ts'
import { clock, type Entry, ended } from './entry.ts'
import { type Cause, causeOfExit, fateOf } from './fate.ts'
import { listenTo } from './hear.ts'
import { type Child, killGroup, spawnChild } from './spawn.ts'
import { Window } from './window.ts'

export interface ProcessEvents {
  /** It has loaded the function; from now on it may be given work. */
  ready(): void
  /** It ended before it was ready. */
  unfit(code: string, message: string): void
  finish(entry: Entry, result: InvocationResult): void
  /** Several results may have been finished; there may be room for more work. */
  turned(): void
  /** It keeps no slot for these any more. `stale`: they were not called for too long. */
  returned(entries: readonly Entry[], stale: boolean): void
  /** `inFlight` attempts were in it. */
  gone(reason: string, inFlight: number): void
}

export interface ProcessOptions {
  readonly program: Program
  readonly built: Built
  readonly limits: PoolLimits
  readonly env: Readonly<Record<string, string>>
}

export class WorkerProcess {
  state: 'starting' | 'ready' | 'leaving' | 'gone' = 'starting'
  readonly hash: string
  readonly running = new Map<number, Entry>()
  /** Attempts that a slot is kept for until they may be called. */
  readonly kept = new Map<number, Entry>()
  /** How many it is given at once. */
  window: Window
  /** Its function is not idempotent: an attempt gets a slot first, and is called when told so. */
  keeps = false
  /** It said that its function has no effects outside. */
  effectFree = false
  /** Kept empty for an attempt that must run alone, or running one. */
  alone = false
  /** It was given secret fields: whatever it says on its own may be of them, and is not told. */
  holdsSecrets = false
  /** `performance.now()` of the last time it had something to do. */
  usedMs = performance.now()
  readonly #child: Child
  readonly #limits: PoolLimits
  readonly #events: ProcessEvents
  readonly #deadline = new Deadline((nowMs) => this.#onDeadline(nowMs))
  readonly #startTimer: NodeJS.Timeout
  #frame = ''
  /** When the frame was begun, by both clocks: all in it are called at one moment. */
  #frameMs = 0
  #frameUs = 0
  #cause: Cause | null = null
  #exitTimer: NodeJS.Timeout | null = null
  /** Runs while it is asked whether it hears. */
  #hearTimer: NodeJS.Timeout | null = null

  /** Throws EngineError `cannot_spawn`. */
  constructor({ program, built, limits, env }: ProcessOptions, events: ProcessEvents) {
    this.hash = built.hash
    this.#limits = limits
    this.#events = events
    this.window = new Window(null, limits)
    this.#child = spawnChild(program, built.path, limits, env)
    this.#startTimer = setTimeout(() => this.kill(tooSlow(limits.startMs)), limits.startMs)
    listenTo(this.#child, this, limits, {
      hello: (...said) => this.#onHello(...said),
      unfit: (code, message) => this.kill({ code, message }),
      result: (entry, result) => this.#finish(entry, result),
      pong: () => this.#onPong(),
      spans: (text, dropped) => {
        // They cannot be scrubbed: nobody knows whose each is.
        if (!this.holdsSecrets) publish('function.spans', { text, dropped })
      },
      turned: () => {
        this.window.turn()
        events.turned()
      },
      garbage: (what) => this.kill({ code: 'protocol', message: `the process wrote what is not a result${what}` }),
      ended: (code, signal, tail) => this.#onEnd(this.#cause ?? causeOfExit(code, signal, tail, this.holdsSecrets)),
    })
  }

  get pid(): number {
    return this.#child.pid
  }

  slots(): number {
    return this.state === 'ready' && !this.alone ? this.window.size - this.load : 0
  }

  /** Slots that are taken. */
  get load(): number {
    return this.running.size + this.kept.size
  }

  isIdle(): boolean {
    return this.state === 'ready' && this.load === 0
  }

  /** Gives an attempt a slot; one that may be called goes with the next `send`. */
  take(entry: Entry): void {
    if (this.keeps && !entry.proceeds) this.#keep(entry)
    else this.#add(entry)
  }

  #keep(entry: Entry): void {
    entry.state = 'reserved'
    entry.keptMs = performance.now()
    this.kept.set(entry.invocation.id, entry)
  }

  /** One that a slot was kept for goes with the next `send`. */
  call(entry: Entry): void {
    this.kept.delete(entry.invocation.id)
    this.#add(entry)
  }

  /** The slot kept for it is free again. */
  release(entry: Entry): void {
    if (this.kept.delete(entry.invocation.id)) this.#onLess()
  }

  /** Those that were not called for too long give their slots to others. */
  releaseStale(nowMs: number): void {
    const stale = [...this.kept.values()].filter((entry) => nowMs - entry.keptMs >= this.#limits.keepMs)
    if (stale.length === 0) return
    for (const entry of stale) this.release(entry)
    this.#events.returned(stale, true)
  }

  #add(entry: Entry): void {
    const { invocation } = entry
    if (this.#frame === '') {
      this.#frameMs = performance.now()
      this.#frameUs = clock.nowUs()
    }
    entry.state = 'running'
    entry.dispatchedUs = this.#frameUs
    entry.deadlineMs = Math.min(this.#frameMs + invocation.timeoutMs, entry.notAfterMs)
    this.running.set(invocation.id, entry)
    if (invocation.isSecret) this.holdsSecrets = true
    this.#deadline.by(entry.deadlineMs)
    this.#frame += this.#lines(entry)
  }

  #lines({ invocation, deadlineMs }: Entry): string {
    const { input } = invocation
    const wallMs = Math.round(this.#frameUs / 1000 + deadlineMs - this.#frameMs)
    return writeCall(invocation, wallMs, input.includes('\n') ? input.replaceAll('\n', ' ') : input)
  }

  /** All that was added goes as one write. */
  send(): void {
    const frame = this.#frame
    this.#frame = ''
    if (frame === '') return
    this.window.sent(this.#frameMs)
    this.#child.toChild.write(frame)
  }

  /** Tells the function to give up; its result says what it did. */
  abort(entry: Entry): void {
    this.#child.toChild.write(writePair(['abort', entry.invocation.id], 'null'))
  }

  /** No further work: it goes when what runs in it is done. */
  retire(): void {
    if (this.state === 'starting') this.kill({ code: 'retired', message: 'no longer needed' })
    if (this.state === 'ready') this.state = 'leaving'
    this.#returnKept()
    this.#leaveIfDone()
  }

  /** Now, with all it has started. The first cause counts. */
  kill(cause: Cause): void {
    this.#cause ??= cause
    if (this.state === 'ready') this.state = 'leaving'
    killGroup(this.#child)
    this.#returnKept()
  }

  /** Kills it if it has grown beyond its limit. */
  checkMemory(): void {
    const mb = residentMb(this.pid)
    if (mb === null || mb <= this.#limits.rssMb) return
    this.kill({
      code: 'out_of_memory',
      message: `the process had ${Math.round(mb)} MB of memory, ${this.#limits.rssMb} are allowed`,
    })
  }

  #onHello(concurrency: number | null, idempotent: boolean, effectFree: boolean): void {
    clearTimeout(this.#startTimer)
    if (this.state !== 'starting' || this.#cause !== null) return
    this.state = 'ready'
    this.window = new Window(concurrency, this.#limits)
    this.keeps = !idempotent
    this.effectFree = effectFree
    this.usedMs = performance.now()
    this.#events.ready()
  }

  #finish(entry: Entry, result: InvocationResult): void {
    this.window.answered(result)
    this.running.delete(entry.invocation.id)
    this.#onLess()
    this.#events.finish(entry, result)
  }

  #onLess(): void {
    if (this.load > 0) return
    this.usedMs = performance.now()
    this.alone = false
    this.#leaveIfDone()
  }

  /** Nothing of them was sent, so another process can have them. */
  #returnKept(): void {
    if (this.kept.size === 0) return
    const entries = [...this.kept.values()]
    this.kept.clear()
    this.#events.returned(entries, false)
  }

  #leaveIfDone(): void {
    if (this.state !== 'leaving' || this.load > 0 || this.#exitTimer !== null) return
    this.#cause ??= { code: 'retired', message: 'no longer needed' }
    this.#child.toChild.end()
    this.#exitTimer = setTimeout(() => killGroup(this.#child), this.#limits.exitMs)
  }

  /** Of several, the late one may be kept from ending by another that blocks the process: only if it hears, it is late. */
  #onDeadline(nowMs: number): void {
    const late = [...this.running.values()].some((entry) => entry.deadlineMs <= nowMs)
    if (late && this.running.size > 1) this.#ask()
    else this.#endLate(nowMs)
  }

  #ask(): void {
    this.#child.toChild.write(writePair(['ping'], 'null'))
    this.#hearTimer ??= setTimeout(() => this.#onSilence(), this.#limits.hearMs)
  }

  #onPong(): void {
    if (this.#hearTimer === null) return
    clearTimeout(this.#hearTimer)
    this.#hearTimer = null
    this.#endLate(performance.now())
  }

  /** Blocked, and nobody knows by which of them: all are lost when it has ended. */
  #onSilence(): void {
    this.#hearTimer = null
    if (this.running.size === 1) this.#endLate(performance.now())
    else this.kill({ code: 'step_timeout', message: 'the process was blocked when a deadline came' })
  }

  /** Those past their deadline are over at once; the others in the process are lost when it has ended. */
  #endLate(nowMs: number): void {
    const late = [...this.running.values()].filter((entry) => entry.deadlineMs <= nowMs)
    if (late.length === 0) {
      for (const entry of this.running.values()) this.#deadline.by(entry.deadlineMs)
      return
    }
    this.kill({ code: 'step_timeout', message: 'another attempt was killed at its deadline', settled: true })
    for (const entry of late) {
      const afterMs = Math.round(nowMs - (entry.deadlineMs - entry.invocation.timeoutMs))
      this.#finish(
        entry,
        ended(entry, 'timeout', 'step_timeout', `killed at its deadline, ${afterMs} ms after dispatch`),
      )
    }
  }

  #onEnd(cause: Cause): void {
    const wasStarting = this.state === 'starting'
    this.state = 'gone'
    this.#returnKept()
    this.#deadline.stop()
    clearTimeout(this.#startTimer)
    for (const timer of [this.#exitTimer, this.#hearTimer]) if (timer !== null) clearTimeout(timer)
    const entries = [...this.running.values()]
    const results = fateOf(entries, cause)
    for (const [at, entry] of entries.entries()) this.#finish(entry, results[at]!)
    if (wasStarting && cause.code !== 'retired') this.#events.unfit(outageCodeOf(cause), cause.message)
    this.#events.gone(cause.code, entries.length)
  }
}

/** A process that ends by itself before it is ready was ended by the module it loaded. */
function outageCodeOf({ code }: Cause): string {
  return code === 'exited' || code === 'killed' ? 'function_exits_at_import' : code
}

function tooSlow(startMs: number): Cause {
  return { code: 'function_load_timeout', message: `the function's module was not loaded within ${startMs} ms` }
}
