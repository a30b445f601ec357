/** One line that is written over on a terminal; elsewhere a line for each thing that is done. */
export class Progress {
  readonly #out: NodeJS.WriteStream
  readonly #live: boolean
  #shown = false

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
    this.#live = out.isTTY === true
  }

  /** A thing that is done, or begun: it stays. */
  say(line: string): void {
    this.clear()
    this.#out.write(`${line}\n`)
  }

  /** How far it is: only a terminal sees it. */
  show(line: string): void {
    if (!this.#live) return
    this.#out.write(`\r\u001b[2K${line}`)
    this.#shown = true
  }

  clear(): void {
    if (this.#shown) this.#out.write('\r\u001b[2K')
    this.#shown = false
  }
}
