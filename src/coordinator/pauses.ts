/** What an operator has paused: of it nothing starts and nothing wakes. What has started goes on. */
import type { Pause } from './ports.ts'

export class Pauses {
  #names = new Set<string>()

  /** True when something is not paused any more. */
  set(pauses: readonly Pause[]): boolean {
    const before = this.#names
    this.#names = new Set(pauses.map(({ workflow, key }) => nameOf(workflow, key)))
    return [...before].some((name) => !this.#names.has(name))
  }

  holds(workflow: string, key: string | null): boolean {
    if (this.#names.size === 0) return false
    return this.#names.has(nameOf(workflow, null)) || (key !== null && this.#names.has(nameOf(workflow, key)))
  }
}

function nameOf(workflow: string, key: string | null): string {
  return key === null ? workflow : `${workflow}\u0000${key}`
}
