/** Chance that comes again: everything a simulated run leaves open is decided by one of these, under its seed. */

export class Random {
  #a: number
  #b: number
  #c: number
  #d = 1

  /** Seeds may be neighbours: they are stirred apart before the first draw. */
  constructor(seed: number, stream = 0) {
    this.#a = seed >>> 0
    this.#b = Math.floor(seed / 2 ** 32) >>> 0
    this.#c = (stream ^ 0x9e3779b9) >>> 0
    for (let n = 0; n < 12; n++) this.#draw()
  }

  /** From 0 to below 1. */
  fraction(): number {
    return this.#draw() / 2 ** 32
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T
  }

  /** By its weight; the weights may have any sum above 0. */
  weighted<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T {
    const entries = Object.entries(weights) as [T, number][]
    let at = this.fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [name, weight] of entries) {
      at -= weight
      if (at < 0) return name
    }
    return (entries.at(-1) as [T, number])[0]
  }

  /** Mostly short, sometimes long: how far apart things happen that know nothing of each other. */
  exponential(mean: number): number {
    return -Math.log(1 - this.fraction()) * mean
  }

  shuffled<T>(items: readonly T[]): T[] {
    const all = [...items]
    for (let at = all.length - 1; at > 0; at--) {
      const other = this.between(0, at)
      ;[all[at], all[other]] = [all[other] as T, all[at] as T]
    }
    return all
  }

  /** sfc32, by Chris Doty-Humphrey (PractRand), public domain. */
  #draw(): number {
    const sum = (this.#a + this.#b + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }
}
