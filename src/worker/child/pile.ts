/** What an attempt gives beside its output, piled up until its end: only so many items, and so many bytes of them. */
import { misuse } from './misuse.ts'

export interface PileRules {
  /** What adds to it, and what to, in the words of errors: `context.emit`, `messages`. */
  readonly by: string
  readonly what: string
  /** Of the failure when it is too much. */
  readonly code: string
  readonly most: number
  readonly bytesMax: number
}

export class Pile<Item> {
  readonly #rules: PileRules
  readonly #items: Item[] = []
  #bytes = 0
  #open = true

  constructor(rules: PileRules) {
    this.#rules = rules
  }

  /** Throws a `fail` when it is too much. */
  add(item: Item, bytes: number): void {
    const { by, what, code, most, bytesMax } = this.#rules
    if (!this.#open) throw new Error(`${by}: the attempt has ended, nothing more is sent with it`)
    const tooMuch = (why: string) => misuse(code, `${by}: the attempt gives ${why}`)
    this.#bytes += bytes
    if (this.#items.length >= most) throw tooMuch(`more than ${most} ${what}`)
    if (this.#bytes > bytesMax) throw tooMuch(`${this.#bytes} bytes of ${what}, ${bytesMax} are allowed`)
    this.#items.push(item)
  }

  /** JSON text of all of them, or null for none; nothing can be added any more. */
  close(): string | null {
    this.#open = false
    return this.#items.length === 0 ? null : JSON.stringify(this.#items)
  }
}
