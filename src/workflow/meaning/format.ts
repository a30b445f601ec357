/** Formats and schemas: files that they name are there and hold, and what is said of a registry's is said of it alone. */
import { EngineError, messageOf } from '../../base/error.ts'
import { type FormatSpec, isOfRegistry, type PlainFormat } from '../../envelope/format.ts'
import { avroType } from '../../envelope/formats/avro.ts'
import { plainCsv } from '../../envelope/formats/csv.ts'
import { readJson } from '../../envelope/formats/json.ts'
import { yaml } from '../../envelope/formats/yaml.ts'
import type { Json } from '../../envelope/json.ts'
import { compileSchema } from '../../envelope/schema.ts'
import type { FormatFile, MessageFormatFile } from '../model/format.ts'
import { besideFile, formatField, messageFormatField } from '../model/format.ts'
import type { Path } from '../places.ts'
import { type Finding, finding, shorten } from '../problem.ts'
import { labelOf, valueAt } from '../shape/at.ts'
import { add, type Checking } from './fields.ts'

export function checkFormat(checking: Checking, path: Path): void {
  const { success, data } = formatField().safeParse(valueAt(checking.file, path))
  if (success && data !== undefined) keep(checking, path, specOf(checking, path, data))
}

/** Of a message; `mode`: of a CloudEvent, how it travels. */
export function checkMessageFormat(checking: Checking, path: Path, mode: unknown): void {
  const { success, data } = messageFormatField().safeParse(valueAt(checking.file, path))
  if (!success || data === undefined) return
  const spec = specOf(checking, path, data)
  keep(checking, path, spec)
  if (spec === null || !isOfRegistry(spec) || mode !== 'structured') return
  const message = 'a structured CloudEvent holds its data as JSON, and no schema of a registry is for that'
  add(checking, path, finding('format_and_mode', message, 'mode: binary', 'leave mode out, or the format'))
}

function keep(checking: Checking, path: Path, spec: FormatSpec | null): void {
  if (spec !== null) checking.formats.set(labelOf(path), spec)
}

function specOf(checking: Checking, path: Path, file: NonNullable<FormatFile | MessageFormatFile>): FormatSpec | null {
  if (typeof file === 'string') return named(file)
  const { csv, avro } = file
  const { protobuf, 'json-schema': jsonSchema } = file as Exclude<NonNullable<MessageFormatFile>, string>
  if (protobuf !== undefined) return { kind: 'protobuf', subject: subjectOf(protobuf) }
  if (jsonSchema !== undefined) return { kind: 'json-schema', subject: subjectOf(jsonSchema) }
  if (csv !== undefined) return { kind: 'csv', columns: csv.columns ?? null, delimiter: csv.delimiter }
  if (avro !== undefined && !('schema' in avro)) return { kind: 'avro', schema: null, subject: subjectOf(avro) }
  if (avro !== undefined) return avroSpec(checking, [...path, 'avro', 'schema'], avro.schema)
  add(
    checking,
    path,
    finding('wrong_value', `${labelOf(path)} is an empty map`, 'csv or avro', 'add one, or remove it'),
  )
  return null
}

function avroSpec(checking: Checking, path: Path, file: string): FormatSpec | null {
  const schema = textBeside(checking, path, file)
  if (schema === null) return null
  return attempt(checking, path, file, () => avroType(schema)) === null ? null : { kind: 'avro', schema }
}

function subjectOf(file: { subject?: string | undefined; version: number | 'latest'; message?: string | undefined }) {
  return { name: file.subject ?? null, version: file.version, message: file.message ?? null }
}

function named(kind: Exclude<FormatFile, object | undefined>): FormatSpec {
  if (kind === 'csv') return { kind, ...plainCsv }
  if (kind === 'avro') return { kind, schema: null }
  return { kind } as { kind: PlainFormat | 'protobuf' | 'json-schema' }
}

export function checkSchema(checking: Checking, path: Path): void {
  const value = valueAt(checking.file, path)
  if (typeof value === 'string') checkSchemaFile(checking, path, value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  const schema = attempt(checking, path, null, () => compileSchema(value as Json))
  if (schema !== null) checking.schemas.set(labelOf(path), schema)
}

function checkSchemaFile(checking: Checking, path: Path, file: string): void {
  if (!besideFile().safeParse(file).success) return
  const text = textBeside(checking, path, file)
  if (text === null) return
  const schema = attempt(checking, path, file, () => compileSchema(parsed(file, text)))
  if (schema !== null) checking.schemas.set(labelOf(path), schema)
}

function parsed(file: string, text: string): Json {
  return /\.ya?ml$/.test(file) ? yaml.decode(Buffer.from(text, 'utf8')) : readJson(text)
}

function textBeside(checking: Checking, path: Path, file: string): string | null {
  const read = checking.beside(file)
  if (typeof read === 'string') {
    checking.enclosed.set(file, read)
    return read
  }
  add(checking, path, read)
  return null
}

/** Null: it does not hold, which is a finding. `file` null: it stands in the workflow file. */
function attempt<T>(checking: Checking, path: Path, file: string | null, make: () => T): T | null {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    add(checking, path, broken(file, messageOf(error)))
    return null
  }
}

function broken(file: string | null, why: string): Finding {
  const message = file === null ? why : `${shorten(file)}: ${why}`
  return finding('wrong_schema', message, 'a valid schema', 'mend the schema')
}
