/** Schemas to write with, by subject: the latest version or a stated one. Nothing is registered here: a schema is its owner's to publish. */
import type { Clock } from '../base/clock.ts'
import { EngineError, messageOf } from '../base/error.ts'
import type { Source } from './client.ts'
import { compile, type Schema } from './schema.ts'

export interface Subject {
  readonly subject: string
  readonly version: number | 'latest'
}

export interface SubjectsOptions {
  readonly clock: Clock
  readonly address: string
  /** Throws as `RegistryClient` does. */
  bySubject(subject: string, version: number | 'latest'): Promise<{ readonly id: number; readonly source: Source }>
}

export interface Writer {
  readonly id: number
  readonly schema: Schema
}

/** A newer version is written with after this at the latest, in milliseconds. */
const freshMs = 30_000
/** Subjects a workflow file names are few. */
const keptMax = 1000

export class Subjects {
  readonly #options: SubjectsOptions
  readonly #known = new Map<string, { readonly writer: Writer; readonly untilUs: number }>()
  readonly #asking = new Map<string, Promise<Writer>>()

  constructor(options: SubjectsOptions) {
    this.#options = options
  }

  /** Throws `registry_outage` or `subject_missing`, both retryable, or `schema_invalid`. */
  async find(wanted: Subject): Promise<Writer> {
    const name = JSON.stringify([wanted.subject, wanted.version])
    const known = this.#known.get(name)
    if (known && this.#options.clock.nowUs() < known.untilUs) return known.writer
    const asking = this.#asking.get(name) ?? this.#ask(name, wanted).finally(() => this.#asking.delete(name))
    this.#asking.set(name, asking)
    return asking
  }

  async #ask(name: string, wanted: Subject): Promise<Writer> {
    const { clock } = this.#options
    try {
      const { id, source } = await this.#options.bySubject(wanted.subject, wanted.version)
      const before = this.#known.get(name)?.writer
      const writer = before?.id === id ? before : { id, schema: compile(source) }
      const isFixed = wanted.version !== 'latest'
      this.#known.set(name, { writer, untilUs: isFixed ? Number.POSITIVE_INFINITY : clock.nowUs() + freshMs * 1000 })
      const [oldest] = this.#known.keys()
      if (this.#known.size > keptMax && oldest !== undefined) this.#known.delete(oldest)
      return writer
    } catch (error) {
      throw this.#failure(error, wanted)
    }
  }

  /** What is not there may be put there: it is waited for, like a topic. */
  #failure(error: unknown, { subject, version }: Subject): unknown {
    if (!(error instanceof EngineError) || error.retryable) return error
    const name = version === 'latest' ? `subject ${subject}` : `version ${version} of subject ${subject}`
    if (error.code !== 'registry_missing_entry') {
      return new EngineError(error.code, `${name}: ${messageOf(error)}`, { cause: error })
    }
    const { address } = this.#options
    const details = { service: 'registry', address }
    const message = `waiting for ${name}, which the schema registry at ${address} does not have`
    return new EngineError('subject_missing', message, { retryable: true, details, cause: error })
  }
}
