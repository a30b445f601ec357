/** One attempt in this process. What few functions ask for is made when it is asked for: most run and are over in microseconds. */
import type { Call, ChildSettings } from '../wire.ts'
import { type Emissions, newEmissions } from './emit.ts'
import { LogBook } from './logs.ts'
import { newPostings, type Postings } from './post.ts'

/** The same for all attempts of a process. */
export interface Surroundings {
  readonly settings: ChildSettings
  /** An attempt has written something. */
  onText(): void
  /** Sends what attempts that still run have written. */
  sendLogs(): void
}

export class Attempt {
  readonly id: number
  /** By its function's own word. */
  readonly idempotent: boolean
  readonly startedUs: number
  readonly around: Surroundings
  /** Made when the function first asks for its signal, or the pool aborts it. */
  abort: AbortController | null = null
  /** Why its signal was aborted: its deadline is reached, or nobody needs it any more. The first reason counts. */
  stopped: 'late' | 'unneeded' | null = null
  /** Aborts the signal just before the deadline. */
  timer: NodeJS.Timeout | null = null
  readonly #head: string
  #call: Call | null = null
  #logs: LogBook | null = null
  #emissions: Emissions | null = null
  #postings: Postings | null = null
  #closed = false

  /** `head`: the first line of its call, which begins with its id. */
  constructor(head: string, idempotent: boolean, startedUs: number, around: Surroundings) {
    this.id = idOf(head)
    this.#head = head
    this.idempotent = idempotent
    this.startedUs = startedUs
    this.around = around
  }

  get call(): Call {
    this.#call ??= JSON.parse(this.#head) as Call
    return this.#call
  }

  /** Its call has this somewhere; not necessarily where it is looked for. */
  mayName(text: string): boolean {
    return this.#head.includes(text)
  }

  get logs(): LogBook {
    if (this.#logs === null) {
      this.#logs = new LogBook(this.around.settings.logBytesMax, this.around.onText)
      if (this.#closed) this.#logs.close()
    }
    return this.#logs
  }

  get emissions(): Emissions {
    if (this.#emissions === null) {
      this.#emissions = newEmissions(this.around.settings)
      if (this.#closed) this.#emissions.close()
    }
    return this.#emissions
  }

  get postings(): Postings {
    if (this.#postings === null) {
      this.#postings = newPostings(this.around.settings)
      if (this.#closed) this.#postings.close()
    }
    return this.#postings
  }

  /** What it wrote since the last time; null for nothing. */
  takeLogs(): string | null {
    return this.#logs === null ? null : this.#logs.take()
  }

  /** What it gave beside its output, or null if that is nothing; it can give no more. */
  close(): Given | null {
    this.#closed = true
    const logs = this.#logs
    const emissions = this.#emissions
    const postings = this.#postings
    if (logs === null && emissions === null && postings === null) return null
    const [emitted = null, posted = null, written = null] = [emissions?.close(), postings?.close(), logs?.close()]
    return { emitted, posted, written }
  }
}

/** JSON text of messages and of postings, and what is left of the logs. */
export interface Given {
  readonly emitted: string | null
  readonly posted: string | null
  readonly written: string | null
}

/** Of `[17,1,…`: faster than to read the line. It is below 0 where an event is authenticated. */
function idOf(head: string): number {
  const isBelow = head.charCodeAt(1) === minus
  let id = 0
  for (let at = isBelow ? 2 : 1; at < head.length; at++) {
    const digit = head.charCodeAt(at) - zero
    if (digit < 0 || digit > 9) break
    id = id * 10 + digit
  }
  return isBelow ? -id : id
}

const minus = 0x2d
const zero = 0x30
