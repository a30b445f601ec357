/**
 * Schemas by their id, kept once they are known: what an id means never changes. One that the registry does not have is asked for again
 * for a while, since registries lag behind their producers; once that is over, each further look answers at once.
 */
import { type Clock, sleep } from '../base/clock.ts'
import { EngineError, messageOf } from '../base/error.ts'
import type { Source } from './client.ts'
import { compile, type Schema } from './schema.ts'

export interface SchemasOptions {
  readonly clock: Clock
  /** For the sentences. */
  readonly address: string
  /** One that is not there is asked for so long, in milliseconds. */
  readonly patienceMs: number
  /** Throws as `RegistryClient` does. */
  byId(id: number): Promise<Source>
}

/** Schemas in memory: each is some kilobytes, compiled some tens. */
const keptMax = 2000
/** One that is not there is asked for so often, in milliseconds. */
const askEveryMs = 1000
/** Nobody having asked for one that is not there for so long, the next may wait for it again, in milliseconds. */
const forgottenMs = 10 * 60_000

interface Missing {
  readonly sinceUs: number
  askedUs: number
}

export class Schemas {
  readonly #options: SchemasOptions
  /** The oldest first; what does not hold stays so. */
  readonly #known = new Map<number, Schema | EngineError>()
  readonly #asking = new Map<number, Promise<Schema>>()
  readonly #missing = new Map<number, Missing>()

  constructor(options: SchemasOptions) {
    this.#options = options
  }

  /** Undefined: it must be asked for. */
  known(id: number): Schema | EngineError | undefined {
    return this.#known.get(id)
  }

  keep(id: number, schema: Schema | EngineError): void {
    this.#known.set(id, schema)
    const [oldest] = this.#known.keys()
    if (this.#known.size > keptMax && oldest !== undefined) this.#known.delete(oldest)
  }

  /** Asks once for all who want it. Throws `schema_unknown`, `schema_invalid`, or `registry_outage` (retryable). */
  async find(id: number): Promise<Schema> {
    const known = this.#known.get(id)
    if (known instanceof EngineError) throw known
    if (known !== undefined) return known
    const asking = this.#asking.get(id) ?? this.#ask(id).finally(() => this.#asking.delete(id))
    this.#asking.set(id, asking)
    return asking
  }

  async #ask(id: number): Promise<Schema> {
    for (;;) {
      if (this.#isGivenUp(id)) throw this.#unknown(id)
      try {
        return await this.#fetch(id)
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== 'registry_missing_entry') throw error
        this.#note(id)
        if (this.#isGivenUp(id)) throw this.#unknown(id)
        await sleep(this.#options.clock, askEveryMs, never)
      }
    }
  }

  async #fetch(id: number): Promise<Schema> {
    const source = await this.#options.byId(id)
    this.#missing.delete(id)
    try {
      const schema = compile(source)
      this.keep(id, schema)
      return schema
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      const refusal = new EngineError(error.code, `schema ${id}: ${messageOf(error)}`, { cause: error })
      this.keep(id, refusal)
      throw refusal
    }
  }

  #note(id: number): void {
    const nowUs = this.#options.clock.nowUs()
    const missing = this.#missing.get(id)
    if (missing && nowUs - missing.askedUs < forgottenMs * 1000) missing.askedUs = nowUs
    else this.#missing.set(id, { sinceUs: nowUs, askedUs: nowUs })
    const [oldest] = this.#missing.keys()
    if (this.#missing.size > keptMax && oldest !== undefined) this.#missing.delete(oldest)
  }

  /** It was looked for long enough, and just now. */
  #isGivenUp(id: number): boolean {
    const { clock, patienceMs } = this.#options
    const missing = this.#missing.get(id)
    const nowUs = clock.nowUs()
    if (missing === undefined || nowUs - missing.sinceUs < patienceMs * 1000) return false
    return nowUs - missing.askedUs < askEveryMs * 1000
  }

  #unknown(id: number): EngineError {
    const { address, patienceMs } = this.#options
    const message = `the schema registry at ${address} has no schema ${id}, asked for ${patienceMs / 1000} s`
    return new EngineError('schema_unknown', message)
  }
}

const never = new AbortController().signal
