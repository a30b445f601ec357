/**
 * Arrays in Postgres' binary form, one column each: what pg sends as text costs the coordinator and the server more
 * than the rest of a commit. Layout: https://www.postgresql.org/docs/current/protocol-overview.html and array_recv.
 */
import * as bytes from './bytes.ts'

type Nullable<T> = T | null
type Of<Row, T> = (row: Row) => Nullable<T>

export const int2 = (values: readonly Nullable<number>[]) => int2Of(values, itself)
export const int4 = (values: readonly Nullable<number>[]) => int4Of(values, itself)
export const int8 = (values: readonly Nullable<number>[]) => int8Of(values, itself)
/** From µs since 1970. */
export const timestamptz = (values: readonly Nullable<number>[]) => timestamptzOf(values, itself)
export const uuid = (values: readonly Nullable<string>[]) => uuidOf(values, itself)
export const text = (values: readonly Nullable<string>[]) => textOf(values, itself)
export const bytea = (values: readonly Nullable<Buffer>[]) => byteaOf(values, itself)

/** Of the types in Postgres' own catalogue, which are the same everywhere. */
export const oids = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  timestamptz: 1184,
  uuid: 2950,
} as const

export const int2Of = column(oids.int2, bytes.int2)
export const int4Of = column(oids.int4, bytes.int4)
export const int8Of = column(oids.int8, bytes.int8)
export const timestamptzOf = column(oids.timestamptz, bytes.timestamptz)
export const bigintOf = column(oids.int8, bytes.bigint)
export const boolOf = column(oids.bool, bytes.bool)
export const uuidOf = column(oids.uuid, bytes.uuid)
export const textOf = column(oids.text, bytes.text)
export const byteaOf = column(oids.bytea, bytes.bytea)

function column<T>(oid: number, write: (value: T) => void) {
  return <Row>(rows: readonly Row[], of: Of<Row, T>): Buffer => {
    bytes.beginArray()
    for (const row of rows) {
      const value = of(row)
      if (value === null) bytes.none()
      else write(value)
    }
    return bytes.endArray(oid, rows.length)
  }
}

function itself<T>(value: T): T {
  return value
}
