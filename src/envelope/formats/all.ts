/** Which format is meant: by what a workflow file says of it, or by the media type that the value came with. */
import { EngineError } from '../../base/error.ts'
import type { Format, FormatSpec, PlainFormat } from '../format.ts'
import { avroFormat } from './avro.ts'
import { cbor } from './cbor.ts'
import { csv, plainCsv } from './csv.ts'
import { form } from './form.ts'
import { json } from './json.ts'
import { json5 } from './json5.ts'
import { msgpack } from './msgpack.ts'
import { raw } from './raw.ts'
import { xml } from './xml.ts'
import { yaml } from './yaml.ts'

export const plainFormats: Readonly<Record<PlainFormat, Format>> = { json, json5, yaml, xml, form, msgpack, cbor, raw }

/** Compiled once for each that a plan holds. Null: its schema is a registry's. */
export function formatOf(spec: FormatSpec): Format | null {
  const known = compiled.get(spec)
  if (known !== undefined) return known
  const format = compile(spec)
  compiled.set(spec, format)
  return format
}

const compiled = new WeakMap<FormatSpec, Format | null>()

function compile(spec: FormatSpec): Format | null {
  switch (spec.kind) {
    case 'csv':
      return csv(spec)
    case 'avro':
      return spec.schema === null ? null : avroFormat(spec.schema)
    case 'protobuf':
    case 'json-schema':
      return null
    default:
      return plainFormats[spec.kind]
  }
}

const byMediaType = new Map(
  [...Object.values(plainFormats), csv(plainCsv)].flatMap((format) =>
    format.mediaTypes.map((mediaType) => [mediaType, format] as const),
  ),
)

/** `application/vnd.films.click+xml`: what it says behind its last plus. */
const bySuffix: Readonly<Record<string, Format>> = { json, xml, yaml, cbor }

/** Of a content-type header. Throws `EngineError` `content_type_unknown`. */
export function formatOfContentType(contentType: string): Format {
  const [mediaType = '', ...parameters] = contentType.toLowerCase().split(';')
  const type = mediaType.trim()
  const format = byMediaType.get(type) ?? bySuffix[/\+([a-z0-9]+)$/.exec(type)?.[1] ?? '']
  if (format === undefined) throw unknownType(contentType)
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='))
  if (charset !== undefined && !/=\s*"?(?:utf-?8|us-ascii)"?\s*$/.test(charset)) throw unknownType(contentType)
  return format
}

function unknownType(contentType: string): EngineError {
  const shown = JSON.stringify(contentType.slice(0, 100))
  return new EngineError(
    'content_type_unknown',
    `nothing here reads content-type ${shown}: name the format in the workflow file`,
  )
}
