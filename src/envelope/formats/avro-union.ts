/** An Avro union gives its value alone where that says which branch it is of, else `{ branch: value }`, in and out. */
import avro, { type Schema, type Type } from 'avsc'

interface Known {
  readonly registry?: { readonly [name: string]: Type }
}

export function unionType(branches: readonly unknown[], options: Known): Type {
  const shapes = branches.map((branch) => shapeOf(branch, options))
  const isClear = new Set(shapes).size === shapes.length
  const { UnwrappedUnionType, WrappedUnionType } = avro.types
  const schema = branches as unknown as Schema
  return (isClear ? new UnwrappedUnionType(schema, options) : new WrappedUnionType(schema, options)) as unknown as Type
}

/** What a value of it looks like in JSON. */
function shapeOf(branch: unknown, { registry }: Known): string {
  if (typeof branch === 'string') return shapes[branch] ?? shapeOfType(registry?.[branch])
  const { type, logicalType } = (branch ?? {}) as { readonly type?: unknown; readonly logicalType?: unknown }
  if (typeof logicalType === 'string' && texts.has(logicalType)) return 'text'
  if (logicalType === 'duration') return 'object'
  return typeof type === 'string' ? (shapes[type] ?? 'object') : 'object'
}

function shapeOfType(type: Type | undefined): string {
  return shapes[type?.typeName ?? ''] ?? 'object'
}

const shapes: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'text',
  enum: 'text',
  bytes: 'bytes',
  fixed: 'bytes',
  array: 'list',
}

const texts: ReadonlySet<string> = new Set([
  'decimal',
  'date',
  'time-millis',
  'time-micros',
  'timestamp-millis',
  'timestamp-micros',
  'timestamp-nanos',
  'local-timestamp-millis',
  'local-timestamp-micros',
  'local-timestamp-nanos',
])
