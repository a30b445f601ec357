/**
 * Ids of transactions that are to be loaded: once the commit that folded what they follow from is written, is through, and
 * then. Each is asked for once, until it is here or not in the ledger.
 */
export class Loads {
  #staged: string[] = []
  #sealed: string[] = []
  #ready: string[] = []
  /** Asked for and not here yet. */
  readonly #asked = new Set<string>()
  /** Being loaded, and nobody waits for that any more. */
  readonly #stale = new Set<string>()

  has(id: string): boolean {
    return this.#asked.has(id)
  }

  ask(id: string): void {
    if (this.#asked.has(id)) return
    this.#asked.add(id)
    this.#staged.push(id)
  }

  /** It follows from nothing that is not durable. */
  askNow(id: string): void {
    if (!this.#asked.has(id)) this.#ready.push(id)
    this.#asked.add(id)
  }

  /** All that was folded is being written. */
  seal(): void {
    if (this.#staged.length === 0) return
    this.#sealed = this.#sealed.concat(this.#staged)
    this.#staged = []
  }

  /** What was sealed is durable; not those whose admission was refused after all. */
  give(isWanted: (id: string) => boolean): void {
    if (this.#sealed.length === 0) return
    this.#ready = this.#ready.concat(this.#sealed.filter(isWanted))
    this.#sealed = []
  }

  get hasReady(): boolean {
    return this.#ready.length > 0
  }

  /** At most so many; each is given out once. */
  take(most: number): string[] {
    return this.#ready.splice(0, most)
  }

  /** It is here, or is not in the ledger, or is not to be. */
  over(id: string): void {
    this.#asked.delete(id)
  }

  /** It is here already: it need not be loaded, and if it is being so, that is not what it has become. */
  unask(id: string): void {
    const count = () => this.#staged.length + this.#sealed.length + this.#ready.length
    const others = (list: string[]) => list.filter((each) => each !== id)
    const before = count()
    this.#staged = others(this.#staged)
    this.#sealed = others(this.#sealed)
    this.#ready = others(this.#ready)
    if (count() < before) this.#asked.delete(id)
    else this.#stale.add(id)
  }

  /** Once: it was read before what it has become since was written. */
  wasStale(id: string): boolean {
    if (!this.#stale.delete(id)) return false
    this.#asked.delete(id)
    return true
  }

  clear(): void {
    this.#staged = []
    this.#sealed = []
    this.#ready = []
    this.#asked.clear()
    this.#stale.clear()
  }
}
