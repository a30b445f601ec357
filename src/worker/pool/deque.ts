/** First in, first out, without moving what stays: `shift()` of an array copies all of it once it is large. */

/** Slots it begins with, and goes back to. A power of two, as every length of the ring. */
const ringMin = 16

export class Deque<T> {
  #ring: (T | undefined)[] = new Array(ringMin)
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#size++) & (this.#ring.length - 1)] = item
  }

  first(): T | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#head]
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const item = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size--
    if (this.#size === 0 && this.#ring.length > ringMin) this.#reset()
    return item
  }

  /** Oldest first. */
  *[Symbol.iterator](): Generator<T> {
    for (let at = 0; at < this.#size; at++) yield this.#ring[(this.#head + at) & (this.#ring.length - 1)]!
  }

  /** After a burst its memory is not kept. */
  #reset(): void {
    this.#ring = new Array(ringMin)
    this.#head = 0
  }

  #grow(): void {
    const items = [...this]
    this.#ring = items.concat(new Array(items.length))
    this.#head = 0
  }
}
