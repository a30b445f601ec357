/** Messages as they are to be in Kafka: some wait in the ledger as JSON, to be written by a schema of a registry. */
import { EngineError } from '../base/error.ts'
import type { OutboxMessage } from '../coordinator/ports.ts'
import { type Json, parseJson } from '../envelope/json.ts'
import { takeWireSpec, type WireSpec } from '../envelope/wire-spec.ts'

export interface Encoder {
  /** Throws `EngineError`: retryable while the registry or its schema is away, any other for what can never be written so. */
  encode(value: Json, spec: WireSpec): Promise<Buffer>
}

export interface Writing {
  /** From the first on, those that can be sent now. */
  readonly messages: readonly OutboxMessage[]
  /** Why the one behind them cannot: it must wait, or it is never to be. */
  readonly failure: { readonly seq: number; readonly error: EngineError } | null
}

/** `encoder` null: no registry is set. */
export async function written(messages: readonly OutboxMessage[], encoder: Encoder | null): Promise<Writing> {
  const done: OutboxMessage[] = []
  for (const message of messages) {
    try {
      done.push(await writtenOne(message, encoder))
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      return { messages: done, failure: { seq: message.seq, error } }
    }
  }
  return { messages: done, failure: null }
}

/** The copy of a dead letter has the headers of others. */
async function writtenOne(message: OutboxMessage, encoder: Encoder | null): Promise<OutboxMessage> {
  const wanted = message.letter === null && message.error === null ? takeWireSpec(message.headers) : null
  if (wanted === null) return message
  const { spec, headers } = wanted
  if (message.value === null) return { ...message, headers }
  if (encoder === null) throw notSet(spec)
  const value = await encoder.encode(parseJson(message.value.toString('utf8')), spec)
  return { ...message, value, headers }
}

/** Whoever sets it lets it go. */
function notSet({ subject }: WireSpec): EngineError {
  const message = `it is to be written by subject ${subject} of a schema registry, and SCHEMA_REGISTRY_URL is not set`
  return new EngineError('registry_not_set', message, { retryable: true })
}
