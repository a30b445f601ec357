/**
 * One coordinator's operating system process: it hears of the world only while it lives and is not stopped, and by a
 * clock of its own. Death takes with it all that was on its way to it; a pause keeps it.
 */
import type { Clock } from '../../src/base/clock.ts'
import type { Schedule } from './schedule.ts'

/** When runs begin, so that stamps look like stamps. */
export const epochUs = Date.parse('2026-05-01T10:00:00.000Z') * 1000

export class Process {
  readonly name: string
  readonly schedule: Schedule
  alive = true
  paused = false
  /** How far its clock is off, in µs. */
  skewUs: number
  #held: { readonly label: string; readonly act: () => void; off: boolean }[] = []

  constructor(name: string, schedule: Schedule, skewUs: number) {
    this.name = name
    this.schedule = schedule
    this.skewUs = skewUs
  }

  readonly clock: Clock = {
    nowUs: () => epochUs + this.schedule.nowUs + this.skewUs,
    steadyUs: () => this.schedule.nowUs,
    after: (ms, act) => this.hear(ms * 1000, `${this.name} timer`, act),
  }

  /** Something that happens inside of it, once it hears of it. The answer takes it back. */
  hear(delayUs: number, label: string, act: () => void): () => void {
    const heard = { label, act, off: false }
    const cancel = this.schedule.after(delayUs, label, () => {
      if (!this.alive || heard.off) return
      if (this.paused) this.#held.push(heard)
      else act()
    })
    return () => {
      heard.off = true
      cancel()
    }
  }

  /** kill -9. */
  kill(): void {
    this.alive = false
    this.#held = []
  }

  /** SIGSTOP. */
  pause(): void {
    this.paused = true
  }

  /** SIGCONT: what came meanwhile is heard now, one after the other. */
  resume(): void {
    this.paused = false
    const held = this.#held
    this.#held = []
    for (const each of held) if (!each.off) this.hear(0, `${each.label} (late)`, () => each.off || each.act())
  }
}
