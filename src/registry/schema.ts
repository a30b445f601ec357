/** A schema of a registry, ready to read and write with. */
import { avroType, decodeAvro, encodeAvro } from '../envelope/formats/avro.ts'
import type { Json } from '../envelope/json.ts'
import type { SchemaKind, Source } from './client.ts'
import { compileJsonSchema } from './json-schema.ts'
import { compileProtobuf } from './protobuf.ts'

export interface Schema {
  readonly kind: SchemaKind
  /** Of what stands behind the schema's id. Throws `EngineError` with what becomes the dead letter's code and sentence. */
  decode(payload: Buffer): Json
  /** `message`: of several that a Protobuf file has, which; null: the first. Throws `EngineError` `value_not_writable`. */
  encode(value: Json, message: string | null): Buffer
}

/** Throws `EngineError` `schema_invalid`. */
export function compile({ kind, text, references }: Source): Schema {
  switch (kind) {
    case 'avro':
      return avro(
        text,
        references.map((each) => each.text),
      )
    case 'protobuf':
      return { kind, ...compileProtobuf(text, references) }
    case 'json-schema':
      return { kind, ...compileJsonSchema(text, references) }
  }
}

function avro(text: string, references: readonly string[]): Schema {
  const type = avroType(text, references)
  return {
    kind: 'avro',
    decode: (payload) => decodeAvro(type, payload),
    encode: (value) => encodeAvro(type, value),
  }
}
