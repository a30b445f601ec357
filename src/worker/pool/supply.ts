/** A function's compiled file, and how it stands when there is none: what is wrong, and when to look again. */
import { delayMs } from '../../base/backoff.ts'
import { EngineError, messageOf } from '../../base/error.ts'
import { publish } from '../../telemetry/channels.ts'
import type { Builder, Built } from '../build.ts'
import type { PoolLimits } from '../limits.ts'

export interface Outage {
  readonly code: string
  readonly message: string
}

export class Supply {
  readonly #name: string
  readonly #builder: Builder
  readonly #limits: PoolLimits
  #built: Built | null = null
  #building: Promise<Built> | null = null
  #outage: Outage | null = null
  #failures = 0
  #retryAtMs = 0

  constructor(name: string, builder: Builder, limits: PoolLimits) {
    this.#name = name
    this.#builder = builder
    this.#limits = limits
  }

  /** Why the function cannot be run, or null. */
  get outage(): Outage | null {
    return this.#outage
  }

  /** In how many milliseconds a process may be tried. */
  waitMs(): number {
    return Math.max(0, this.#retryAtMs - performance.now())
  }

  /** Whether a process that runs this file runs what is to be run. */
  isCurrent(hash: string): boolean {
    return this.#built?.hash === hash
  }

  /** Throws EngineError. After a failure the file is made anew: somebody may have mended it. */
  built(): Promise<Built> {
    return this.#built === null ? this.#build() : Promise.resolve(this.#built)
  }

  /** Looks at the author's files again. True when there is something else to run, or nothing any more. */
  async reload(): Promise<boolean> {
    if (this.#built === null && this.#building === null && this.#outage === null) return false
    await this.#building?.catch(() => {})
    const before = this.#built?.hash
    this.#retryAtMs = 0
    this.#built = null
    // If it fails, the next process to be started meets the same error, and says so.
    const now = await this.#build().catch(() => null)
    return now?.hash !== before
  }

  #build(): Promise<Built> {
    this.#building ??= this.#builder
      .build(this.#name)
      .then((built) => {
        this.#built = built
        return built
      })
      .finally(() => {
        this.#building = null
      })
    return this.#building
  }

  worked(): void {
    if (this.#outage !== null) publish('function.back', { function: this.#name })
    this.#outage = null
    this.#failures = 0
    this.#retryAtMs = 0
  }

  /** `waiting` invocations are held until it works again. */
  failed(error: unknown, waiting: number): void {
    const code = error instanceof EngineError ? error.code : 'function_outage'
    const message = messageOf(error)
    const isNews = this.#outage?.code !== code || this.#outage.message !== message
    this.#built = null
    this.#outage = { code, message }
    this.backOff()
    if (isNews) publish('function.outage', { function: this.#name, code, message, waiting })
  }

  /** Not at once again. */
  backOff(): void {
    this.#failures++
    this.#retryAtMs = performance.now() + delayMs(this.#limits.outage, this.#failures, this.#name)
  }
}
