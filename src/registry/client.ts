/**
 * What a schema registry is asked: a schema by its id, or by subject and version, each with all that it refers to. By
 * `@kafkajs/confluent-schema-registry`, over a transport of our own; what that makes of a schema is not used: its Protobuf
 * is not the wire format's, its numbers are rounded.
 */
import library from '@kafkajs/confluent-schema-registry'
import { EngineError } from '../base/error.ts'
import { get, type TransportOptions } from './transport.ts'

/** A schema as its author wrote it. */
export interface Source {
  readonly kind: SchemaKind
  readonly text: string
  /** What it refers to, each behind what it refers to itself, under the name by which it is referred to. */
  readonly references: readonly { readonly name: string; readonly text: string }[]
}

export type SchemaKind = 'avro' | 'protobuf' | 'json-schema'

/** As the registry answers. */
interface Entry {
  readonly schema: string
  /** Avro where it is left out. */
  readonly schemaType?: string
  readonly references?: readonly Reference[]
  /** Of a version of a subject. */
  readonly id?: number
}

interface Reference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** The library's requests, before it compiles what they bring; it does not declare them, and its version is pinned. */
interface Requests {
  readonly api: {
    readonly Schema: { find(params: { readonly id: number }): Promise<Answer> }
    readonly Subject: {
      version(params: { readonly subject: string; readonly version: number | 'latest' }): Promise<Answer>
    }
  }
}

interface Answer {
  data(): Entry
}

/** A chain of references is no longer in any schema that people read. */
const referencesMax = 200

export class RegistryClient {
  readonly #requests: Requests

  constructor(options: TransportOptions) {
    const transport = () => ({
      response: async (_next: unknown, _renew: unknown, request: { url(): string }) => {
        const body = await get(request.url(), options)
        return { data: () => body }
      },
    })
    const host = options.url.replace(/\/+$/, '')
    const { SchemaRegistry } = library
    this.#requests = new SchemaRegistry({ host, middlewares: [transport as never] }) as unknown as Requests
  }

  /** Throws as `get` does, and `schema_invalid` for a kind that is not known. */
  async byId(id: number): Promise<Source> {
    const answer = await this.#requests.api.Schema.find({ id })
    return this.#whole(answer.data())
  }

  async bySubject(
    subject: string,
    version: number | 'latest',
  ): Promise<{ readonly id: number; readonly source: Source }> {
    const entry = (await this.#requests.api.Subject.version({ subject, version })).data()
    return { id: Number(entry.id), source: await this.#whole(entry) }
  }

  async #whole(entry: Entry): Promise<Source> {
    const references = new Map<string, string>()
    await this.#collect(entry.references ?? [], references, new Set())
    return {
      kind: kindOf(entry.schemaType),
      text: String(entry.schema),
      references: [...references].map(([name, text]) => ({ name, text })),
    }
  }

  async #collect(references: readonly Reference[], found: Map<string, string>, seen: Set<string>): Promise<void> {
    for (const { name, subject, version } of references) {
      if (seen.has(name)) continue
      seen.add(name)
      if (seen.size > referencesMax)
        throw new EngineError('schema_invalid', `it refers to more than ${referencesMax} others`)
      const entry = (await this.#requests.api.Subject.version({ subject, version })).data()
      await this.#collect(entry.references ?? [], found, seen)
      found.set(name, String(entry.schema))
    }
  }
}

function kindOf(type: string | undefined): SchemaKind {
  if (type === undefined || type === 'AVRO') return 'avro'
  if (type === 'PROTOBUF') return 'protobuf'
  if (type === 'JSON') return 'json-schema'
  throw new EngineError('schema_invalid', `the registry holds a schema of kind ${type}, which nothing here reads`)
}
