/** How functions share the processes there may be in all: who has nothing to do makes room, and nobody is left out. */
import type { Fleet } from './fleet.ts'
import type { WorkerProcess } from './process.ts'

export class Share {
  readonly #processesMax: number
  readonly #fleets: () => Iterable<Fleet>
  readonly #hungry = new Set<Fleet>()
  #live = 0

  constructor(processesMax: number, fleets: () => Iterable<Fleet>) {
    this.#processesMax = processesMax
    this.#fleets = fleets
  }

  /** True when the fleet may start one more process; else it is pumped when its turn comes. */
  mayStart(fleet: Fleet): boolean {
    if (this.#live < this.#processesMax) {
      this.#hungry.delete(fleet)
      this.#live++
      return true
    }
    this.#hungry.add(fleet)
    if (this.#leaving() < this.#hungry.size) this.#leastRecentlyUsed(fleet)?.retire()
    return false
  }

  /** True when one more process may be started that nobody waits for yet: it takes nobody's place. */
  mayWarm(): boolean {
    if (this.#live >= this.#processesMax || this.#hungry.size > 0) return false
    this.#live++
    return true
  }

  /** A process is gone, or was allowed and not started. */
  released(): void {
    this.#live--
    for (const fleet of [...this.#hungry]) {
      if (this.#live >= this.#processesMax) return
      this.#hungry.delete(fleet)
      fleet.pump()
    }
  }

  /** A process that has nothing to do goes if another function waits for its place. */
  idle(fleet: Fleet, process: WorkerProcess): void {
    this.#hungry.delete(fleet)
    if (this.#hungry.size > 0 && this.#hungry.size > this.#leaving()) process.retire()
  }

  /** A function that has no process at all gets the place of one that has most, as soon as that is empty. */
  sweep(): void {
    for (const fleet of this.#hungry) {
      if (fleet.processes.length > 0 || fleet.queue.size === 0) continue
      if (this.#leaving() < this.#hungry.size) this.#ofTheRichest(fleet)?.retire()
    }
  }

  #leaving(): number {
    return this.#all().filter((process) => process.state === 'leaving').length
  }

  #leastRecentlyUsed(asking: Fleet): WorkerProcess | undefined {
    const idle = this.#all().filter((process) => process.isIdle() && !asking.processes.includes(process))
    return idle.sort((a, b) => a.usedMs - b.usedMs)[0]
  }

  #ofTheRichest(asking: Fleet): WorkerProcess | undefined {
    const ready = (fleet: Fleet) => fleet.processes.filter((process) => process.state === 'ready')
    const others = [...this.#fleets()].filter((fleet) => fleet !== asking)
    const richest = others.sort((a, b) => ready(b).length - ready(a).length)[0]
    return richest === undefined ? undefined : ready(richest).sort((a, b) => a.load - b.load)[0]
  }

  #all(): WorkerProcess[] {
    return [...this.#fleets()].flatMap((fleet) => fleet.processes)
  }
}
