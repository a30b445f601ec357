/**
 * How a kind of row becomes parameters of the group commit: all of it one array of rows, or, of what few commits have, each
 * column one array. A section is numbered by the statement that names it, so that statements with different parts can share it.
 */
import type { Batch } from '../coordinator/ports.ts'
import * as bytes from './bytes.ts'
import { bigintOf, boolOf, byteaOf, int2Of, int4Of, int8Of, textOf, timestamptzOf, uuidOf } from './columns.ts'
import type { RowOids, RowType } from './row-types.ts'

const writers = {
  bigint: bigintOf,
  bool: boolOf,
  bytea: byteaOf,
  int2: int2Of,
  int4: int4Of,
  int8: int8Of,
  text: textOf,
  timestamptz: timestamptzOf,
  uuid: uuidOf,
}

type Nullable<T> = T | null
export type Column<Row> =
  | readonly [name: string, type: 'int2' | 'int4' | 'int8' | 'timestamptz', of: (row: Row) => Nullable<number>]
  | readonly [name: string, type: 'uuid' | 'text', of: (row: Row) => Nullable<string>]
  | readonly [name: string, type: 'bytea', of: (row: Row) => Nullable<Buffer>]
  | readonly [name: string, type: 'bigint', of: (row: Row) => Nullable<bigint>]
  | readonly [name: string, type: 'bool', of: (row: Row) => Nullable<boolean>]

export interface Section {
  /** Parameters that it takes. */
  readonly width: number
  /** `unnest($5::int4[], …) as r (lane, …)`, from this parameter on. */
  readonly from: (first: number) => string
  readonly values: (batch: Batch, oids: RowOids) => Buffer[]
}

/** `write`: its cells, as many as `columns`, in the order of the type (cells.ts). */
export function rowSection<Row>(
  type: RowType,
  columns: number,
  rowsOf: (batch: Batch) => readonly Row[],
  write: (row: Row) => void,
): Section {
  return {
    width: 1,
    from: (first) => `unnest($${first}::millrace_data.${type}[]) as r`,
    values: (batch, oids) => {
      const rows = rowsOf(batch)
      bytes.beginArray()
      for (const row of rows) {
        const begin = bytes.beginRow(columns)
        write(row)
        bytes.endRow(begin)
      }
      return [bytes.endArray(oids[type], rows.length)]
    },
  }
}

export function section<Row>(rowsOf: (batch: Batch) => readonly Row[], columns: readonly Column<Row>[]): Section {
  const names = columns.map(([name]) => name).join(', ')
  return {
    width: columns.length,
    from: (first) => {
      const arrays = columns.map(([, type], at) => `$${first + at}::${type === 'bigint' ? 'int8' : type}[]`)
      return `unnest(${arrays.join(', ')}) as r (${names})`
    },
    values: (batch) => {
      const rows = rowsOf(batch)
      return columns.map(([, type, of]) => writers[type](rows, of as (row: Row) => never))
    },
  }
}

export type Rows<Name extends keyof Batch> = Batch[Name] extends readonly (infer Row)[] ? Row : never

/** Text for people: a NUL, which Postgres' text cannot hold, is shown as the replacement character. */
export function legible(value: string | null): string | null {
  return value?.includes('\u0000') ? value.replaceAll('\u0000', '\ufffd') : value
}
