/** What happened, in order: always as a rolling hash, which tells whether two runs were the same; as lines when asked for. */

export class Trace {
  #hash = 0x811c9dc5
  readonly #print: ((line: string) => void) | null

  constructor(print: ((line: string) => void) | null = null) {
    this.#print = print
  }

  /** Eight hex digits over all that was told. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0')
  }

  /** `timeUs` since the run began. */
  tell(timeUs: number, text: string): void {
    this.#stir(timeUs & 0xffff)
    for (let at = 0; at < text.length; at++) this.#stir(text.charCodeAt(at))
    this.#print?.(`${(timeUs / 1e6).toFixed(6).padStart(12)} ${text}`)
  }

  /** Said only to whoever reads along: costly to word, and known from what was told. */
  explain(timeUs: number, text: () => string): void {
    this.#print?.(`${(timeUs / 1e6).toFixed(6).padStart(12)}   ${text()}`)
  }

  /** FNV-1a. */
  #stir(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193)
  }
}
