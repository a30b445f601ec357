/** First in, first out, without moving what stays: `shift()` of an array copies all of it once it is large. */

/** Slots it begins with, and goes back to after a burst of more than `ringKept`. Powers of two, as every length of the ring. */
const ringMin = 16
const ringKept = 1024

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

  /** In front of all others. */
  unshift(item: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#head = (this.#head - 1) & (this.#ring.length - 1)
    this.#ring[this.#head] = item
    this.#size++
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
    if (this.#size === 0 && this.#ring.length > ringKept) this.#reset()
    return item
  }

  /** The oldest ones, which stay. */
  peek(most: number): T[] {
    const items: T[] = []
    for (let at = 0; at < Math.min(most, this.#size); at++) items.push(this.#at(at))
    return items
  }

  /** Takes out the first that is this item; costs the length of the queue. */
  remove(item: T): boolean {
    const items = [...this]
    const at = items.indexOf(item)
    if (at < 0) return false
    items.splice(at, 1)
    this.clear()
    for (const each of items) this.push(each)
    return true
  }

  clear(): void {
    this.#size = 0
    this.#reset()
  }

  /** Oldest first. */
  *[Symbol.iterator](): Generator<T> {
    for (let at = 0; at < this.#size; at++) yield this.#at(at)
  }

  #at(place: number): T {
    return this.#ring[(this.#head + place) & (this.#ring.length - 1)] as T
  }

  /** After a burst its memory is not kept. */
  #reset(): void {
    this.#ring = new Array(ringMin)
    this.#head = 0
  }

  #grow(): void {
    const ring: (T | undefined)[] = new Array(this.#ring.length * 2)
    for (let at = 0; at < this.#size; at++) ring[at] = this.#at(at)
    this.#ring = ring
    this.#head = 0
  }
}
