/**
 * Those who wait for transactions: all of them are looked for with one question, again and again while anybody waits, and at once
 * where this process has heard of an end. So it does not matter which coordinator runs them.
 */
import type { Asked, DoorLedger, Standing } from './ports.ts'

export interface Seen {
  /** Of the transaction it is about: of a copy, the first one. */
  readonly id: string
  readonly standing: Standing
}

interface Watcher {
  asked: Asked
  readonly enough: (standing: Standing) => boolean
  readonly sinceMs: number
  /** When its place was looked at last. */
  placeMs: number
  tell(seen: Seen | null): void
}

export interface WatchLimits {
  readonly watchersMax: number
  readonly lookEveryMs: number
  readonly askedMax: number
}

/** What was written a moment ago is not there yet: only after so long its place is looked at, and no more often, in milliseconds. */
const placeAfterMs = 300

export class Watch {
  readonly #ledger: Pick<DoorLedger, 'standing'>
  readonly #limits: WatchLimits
  readonly #watchers = new Set<Watcher>()
  readonly #byId = new Map<string, Set<Watcher>>()
  readonly #nudged = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #looking = false
  #stopped = false
  #held = 0

  constructor(ledger: Pick<DoorLedger, 'standing'>, limits: WatchLimits) {
    this.#ledger = ledger
    this.#limits = limits
  }

  get isFull(): boolean {
    return this.#stopped || this.size >= this.#limits.watchersMax
  }

  /** Those who wait, and streams. */
  get size(): number {
    return this.#watchers.size + this.#held
  }

  /** Somebody else who stays as long counts as one of them. */
  async holding<T>(act: () => Promise<T>): Promise<T> {
    this.#held++
    try {
      return await act()
    } finally {
      this.#held--
    }
  }

  /** Resolves with what it has come to; null: the time is over, the signal came, or the door closes. */
  wait(asked: Asked, enough: Watcher['enough'], msMax: number, signal?: AbortSignal): Promise<Seen | null> {
    if (this.isFull || signal?.aborted) return Promise.resolve(null)
    return new Promise((resolve) => {
      const tell = (seen: Seen | null) => {
        clearTimeout(late)
        signal?.removeEventListener('abort', over)
        this.#drop(watcher)
        resolve(seen)
      }
      const over = () => tell(null)
      const late = setTimeout(over, msMax)
      signal?.addEventListener('abort', over, { once: true })
      const watcher: Watcher = { asked, enough, sinceMs: performance.now(), placeMs: 0, tell }
      this.#watchers.add(watcher)
      this.#listen(watcher)
      this.#lookSoon()
    })
  }

  /** It has ended, as far as this process knows. */
  nudge(id: string): void {
    if (!this.#byId.has(id)) return
    this.#nudged.add(id)
    if (!this.#looking) void this.#look(false)
  }

  stop(): void {
    this.#stopped = true
    for (const watcher of [...this.#watchers]) watcher.tell(null)
    if (this.#timer) clearTimeout(this.#timer)
  }

  #listen(watcher: Watcher): void {
    const { id } = watcher.asked
    const those = this.#byId.get(id)
    if (those) those.add(watcher)
    else this.#byId.set(id, new Set([watcher]))
  }

  #drop(watcher: Watcher): void {
    this.#watchers.delete(watcher)
    const those = this.#byId.get(watcher.asked.id)
    those?.delete(watcher)
    if (those?.size === 0) this.#byId.delete(watcher.asked.id)
  }

  #lookSoon(): void {
    if (this.#timer || this.#looking || this.#watchers.size === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#look(true)
    }, this.#limits.lookEveryMs)
  }

  async #look(all: boolean): Promise<void> {
    this.#looking = true
    try {
      await this.#lookAt(all ? [...this.#watchers] : this.#takeNudged())
      while (this.#nudged.size > 0) await this.#lookAt(this.#takeNudged())
    } catch {
      // The ledger is away: whoever waits may see it come back.
      this.#nudged.clear()
    }
    this.#looking = false
    this.#lookSoon()
  }

  #takeNudged(): Watcher[] {
    const ids = [...this.#nudged]
    this.#nudged.clear()
    return ids.flatMap((id) => [...(this.#byId.get(id) ?? [])])
  }

  async #lookAt(watchers: readonly Watcher[]): Promise<void> {
    for (let from = 0; from < watchers.length; from += this.#limits.askedMax) {
      const some = watchers.slice(from, from + this.#limits.askedMax)
      const nowMs = performance.now()
      const standings = await this.#ledger.standing(some.map((watcher) => askedNow(watcher, nowMs)))
      for (const [at, watcher] of some.entries()) this.#heard(watcher, standings[at] as Standing)
    }
  }

  #heard(watcher: Watcher, standing: Standing): void {
    if (!this.#watchers.has(watcher)) return
    if (standing.is === 'duplicate' || standing.is === 'moved') {
      const id = standing.is === 'moved' ? standing.id : standing.firstId
      this.#byId.get(watcher.asked.id)?.delete(watcher)
      watcher.asked = { ...watcher.asked, id, from: null }
      this.#listen(watcher)
    }
    if (watcher.enough(standing)) watcher.tell({ id: watcher.asked.id, standing })
  }
}

/** With its place, when it is time for that. */
function askedNow(watcher: Watcher, nowMs: number): Asked {
  const { asked, sinceMs, placeMs } = watcher
  if (asked.from === null || nowMs - Math.max(sinceMs, placeMs) < placeAfterMs) return { ...asked, from: null }
  watcher.placeMs = nowMs
  return asked
}
