/**
 * Values that a schema registry's schemas were written by: for workflows that say so (`format: avro`, `protobuf`, `json-schema`), and where
 * nobody says anything and the value begins as such do. What is known is read at once; for the rest the record waits.
 */
import { EngineError } from './base/error.ts'
import type { FormatSpec } from './envelope/format.ts'
import { isRequest } from './envelope/http.ts'
import type { Json } from './envelope/json.ts'
import type { RawRecord } from './envelope/record.ts'
import type { Sealer } from './envelope/seal.ts'
import { isSealedRecord, openedRecord } from './envelope/sealed-value.ts'
import type { SchemaKind } from './registry/client.ts'
import type { Registry } from './registry/registry.ts'
import { magic } from './registry/wire.ts'
import type { Plan } from './workflow/plan.ts'
import { triggerOf } from './workflow/trigger.ts'
import { startTopics } from './workflow/uses.ts'

/** Of what kind its schema must be; `any`: nobody says; null: it is no registry's. */
type Wanted = SchemaKind | 'any' | null

export class RegistryReader {
  readonly #registry: Pick<Registry, 'known' | 'find'>
  readonly #sealer: Sealer | null

  constructor(registry: Pick<Registry, 'known' | 'find'>, sealer: Sealer | null) {
    this.#registry = registry
    this.#sealer = sealer
  }

  /** What is known is read on the way. */
  isReady(record: RawRecord, plans: readonly Plan[], topic: string): boolean {
    let ready = true
    for (const plan of plans) {
      const wanted = wantedOf(record, plan, topic)
      if (wanted === null || record.prepared?.values.has(plan.version)) continue
      const value = this.#registry.known(this.#valueOf(record), kindOf(wanted))
      if (value === undefined) ready = false
      else keep(record, plan, value)
    }
    return ready
  }

  /** Rejects with `registry_outage` (retryable). */
  async prepare(record: RawRecord, plans: readonly Plan[], topic: string): Promise<void> {
    for (const plan of plans) {
      const wanted = wantedOf(record, plan, topic)
      if (wanted === null || record.prepared?.values.has(plan.version)) continue
      keep(record, plan, await this.#registry.find(this.#valueOf(record), kindOf(wanted)))
    }
  }

  /** One that cannot be opened is refused when it is read. */
  #valueOf(record: RawRecord): Buffer {
    try {
      const { value } = isSealedRecord(record) ? openedRecord(record, this.#sealer) : record
      return value ?? nothing
    } catch (error) {
      if (error instanceof EngineError) return nothing
      throw error
    }
  }
}

const nothing = Buffer.alloc(0)

function wantedOf(record: RawRecord, plan: Plan, topic: string): Wanted {
  const format = formatOf(plan, topic, record)
  if (format === null) return isUnsaid(record) ? 'any' : null
  if (format.kind === 'avro') return format.schema === null ? 'avro' : null
  return format.kind === 'protobuf' || format.kind === 'json-schema' ? format.kind : null
}

/** As what starts it, or as what it waits for. */
function formatOf(plan: Plan, topic: string, record: RawRecord): FormatSpec | null {
  if (startTopics(plan).includes(topic)) return triggerOf(plan, topic, isRequest(record))?.format ?? null
  return plan.signals.find((each) => each.topic === topic)?.format ?? null
}

/** The registry's own clients set no header; those that say what it is otherwise are believed. */
function isUnsaid({ value, headers }: RawRecord): boolean {
  return value?.[0] === magic && !headers.some(({ name }) => name.toLowerCase() === 'content-type')
}

function kindOf(wanted: SchemaKind | 'any'): SchemaKind | null {
  return wanted === 'any' ? null : wanted
}

function keep(record: RawRecord, { version }: Plan, value: Json | EngineError): void {
  const { values, auth } = record.prepared ?? none
  record.prepared = { values: new Map([...values, [version, value]]), auth }
}

const none = Object.freeze({ values: new Map(), auth: new Map() })
