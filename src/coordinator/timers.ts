/**
 * All timers of a coordinator behind one of the clock's: the nearest due first. Once armed they run by steady time, so that
 * a host's clock that is set neither delays nor hurries them.
 */
import type { Clock } from '../base/clock.ts'
import { Heap } from '../base/heap.ts'

export interface Due<T> {
  readonly dueUs: number
  readonly what: T
}

export class Timers<T> {
  readonly #heap = new Heap<Due<T>>((due) => due.dueUs)
  readonly #clock: Clock
  readonly #onDue: (due: readonly T[]) => void
  #cancel: () => void = () => undefined
  #armedUs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onDue: (due: readonly T[]) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  arm(dueUs: number, what: T): void {
    const steadyUs = this.#clock.steadyUs() + dueUs - this.#clock.nowUs()
    this.#heap.push({ dueUs: steadyUs, what })
    if (steadyUs < this.#armedUs) this.#set()
  }

  stop(): void {
    this.#cancel()
    this.#armedUs = Number.NEGATIVE_INFINITY
  }

  #set(): void {
    this.#cancel()
    const next = this.#heap.first()
    this.#armedUs = next?.dueUs ?? Number.POSITIVE_INFINITY
    if (next) this.#cancel = this.#clock.after(this.#delayMs(next.dueUs), () => this.#fire())
  }

  /** Node's timers hold 2^31 ms at most; a longer one is set again when it fires. */
  #delayMs(dueUs: number): number {
    return Math.min(Math.max(0, Math.ceil((dueUs - this.#clock.steadyUs()) / 1000)), 2 ** 31 - 1)
  }

  #fire(): void {
    const nowUs = this.#clock.steadyUs()
    const due: T[] = []
    for (let next = this.#heap.first(); next && next.dueUs <= nowUs; next = this.#heap.first()) {
      due.push(next.what)
      this.#heap.pop()
    }
    this.#set()
    if (due.length > 0) this.#onDue(due)
  }
}
