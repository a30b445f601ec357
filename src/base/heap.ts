/** A binary heap: the item with the lowest rank first. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #rank: (item: T) => number

  constructor(rank: (item: T) => number) {
    this.#rank = rank
  }

  get size(): number {
    return this.#items.length
  }

  first(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    this.#items.push(item)
    this.#up(this.#items.length - 1)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    const last = this.#items.pop()
    if (this.#items.length > 0 && last !== undefined) {
      this.#items[0] = last
      this.#down(0)
    }
    return first
  }

  #up(at: number): void {
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#before(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #down(at: number): void {
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      let least = at
      if (left < this.#items.length && this.#before(left, least)) least = left
      if (right < this.#items.length && this.#before(right, least)) least = right
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #before(a: number, b: number): boolean {
    return this.#rank(this.#items[a] as T) < this.#rank(this.#items[b] as T)
  }

  #swap(a: number, b: number): void {
    const item = this.#items[a] as T
    this.#items[a] = this.#items[b] as T
    this.#items[b] = item
  }
}
