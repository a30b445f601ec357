/**
 * Simulated time: a heap of events, the nearest first, those of one moment in the order in which they were set. Each step
 * runs one event and lets the promises it settled run out, so that the product has done all it can before time goes on.
 */
import { Heap } from '../../src/base/heap.ts'
import type { Random } from './random.ts'
import type { Trace } from './trace.ts'

interface Event {
  readonly timeUs: number
  readonly rank: number
  readonly label: string
  act: (() => void) | null
}

/** Events of one run: beyond it the order within one moment would be lost. */
const eventsMax = 2 ** 21

export class Schedule {
  readonly random: Random
  readonly trace: Trace
  readonly #events = new Heap<Event>((event) => event.rank)
  /** µs since the run began. */
  nowUs = 0
  #count = 0
  #steps = 0

  constructor(random: Random, trace: Trace) {
    this.random = random
    this.trace = trace
  }

  get steps(): number {
    return this.#steps
  }

  /** The answer takes it back. A label that is empty is not told. */
  after(delayUs: number, label: string, act: () => void): () => void {
    if (++this.#count >= eventsMax) throw new Error(`more than ${eventsMax} events: the run does not end`)
    const timeUs = this.nowUs + Math.max(0, Math.round(delayUs))
    const event: Event = { timeUs, rank: timeUs * eventsMax + this.#count, label, act }
    this.#events.push(event)
    return () => {
      event.act = null
    }
  }

  /** Runs one event; false when there is none before `untilUs`. */
  async step(untilUs: number): Promise<boolean> {
    for (;;) {
      const event = this.#events.first()
      if (!event || event.timeUs > untilUs) return false
      this.#events.pop()
      if (event.act === null) continue
      this.nowUs = event.timeUs
      this.#steps++
      if (event.label !== '') this.trace.tell(this.nowUs, event.label)
      event.act()
      await drained()
      return true
    }
  }

  tell(text: string): void {
    this.trace.tell(this.nowUs, text)
  }
}

/** All promises that could run have run: the host's own turn comes after them, and nothing else of it is in use. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
