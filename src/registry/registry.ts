/** A schema registry as the engine needs it: values in its wire format become the engine's, and the other way. */
import type { Clock } from '../base/clock.ts'
import { EngineError } from '../base/error.ts'
import type { Json } from '../envelope/json.ts'
import type { WireSpec } from '../envelope/wire-spec.ts'
import { RegistryClient, type SchemaKind } from './client.ts'
import type { Schema } from './schema.ts'
import { Schemas } from './schemas.ts'
import { Subjects } from './subjects.ts'
import { shownAddress, type TransportOptions } from './transport.ts'
import { unwire, wire } from './wire.ts'

export interface RegistryOptions extends TransportOptions {
  readonly clock: Clock
  /** A schema id that the registry does not have is asked for so long, in milliseconds: registries lag. */
  readonly patienceMs: number
}

export class Registry {
  readonly #schemas: Schemas
  readonly #subjects: Subjects

  constructor(options: RegistryOptions) {
    const client = new RegistryClient(options)
    const { clock, patienceMs } = options
    const address = shownAddress(options.url)
    this.#schemas = new Schemas({ clock, patienceMs, address, byId: (id) => client.byId(id) })
    this.#subjects = new Subjects({
      clock,
      address,
      bySubject: (subject, version) => client.bySubject(subject, version),
    })
  }

  /**
   * The value, or why it is none, where nothing need be asked for that; undefined otherwise. `kind`: of what kind its schema must
   * be; null: of any.
   */
  known(value: Buffer, kind: SchemaKind | null): Json | EngineError | undefined {
    return caught(() => {
      const { id, payload } = unwire(value)
      const schema = this.#schemas.known(id)
      if (schema instanceof EngineError || schema === undefined) return schema
      return decoded(schema, id, payload, kind)
    })
  }

  /** The same, whatever that takes. Throws `registry_outage` (retryable). */
  async find(value: Buffer, kind: SchemaKind | null): Promise<Json | EngineError> {
    try {
      const { id, payload } = unwire(value)
      const schema = await this.#schemas.find(id)
      return decoded(schema, id, payload, kind)
    } catch (error) {
      if (error instanceof EngineError && !error.retryable) return error
      throw error
    }
  }

  /**
   * Throws `value_not_writable` for what the schema cannot say, `schema_invalid`, or, both retryable, `registry_outage` and `subject_missing`.
   */
  async encode(value: Json, { kind, message, ...subject }: WireSpec): Promise<Buffer> {
    const { id, schema } = await this.#subjects.find(subject)
    if (schema.kind !== kind) throw otherKind(id, schema.kind, kind)
    return wire(id, schema.encode(value, message))
  }
}

function decoded(schema: Schema, id: number, payload: Buffer, kind: SchemaKind | null): Json {
  if (kind !== null && schema.kind !== kind) throw otherKind(id, schema.kind, kind)
  return schema.decode(payload)
}

function caught<Found>(act: () => Found): Found | EngineError {
  try {
    return act()
  } catch (error) {
    if (error instanceof EngineError) return error
    throw error
  }
}

function otherKind(id: number, found: SchemaKind, wanted: SchemaKind): EngineError {
  return new EngineError('schema_kind_wrong', `schema ${id} of the registry is of kind ${found}, expected ${wanted}`)
}
