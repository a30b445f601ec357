/** The columns of one row, each behind its type, in the order of the composite type that the migrations made for it. */
import * as bytes from './bytes.ts'
import { oids } from './columns.ts'

export function bool(value: boolean | null): void {
  bytes.type(oids.bool)
  if (value === null) bytes.none()
  else bytes.bool(value)
}

export function int2(value: number | null): void {
  bytes.type(oids.int2)
  if (value === null) bytes.none()
  else bytes.int2(value)
}

export function int4(value: number | null): void {
  bytes.type(oids.int4)
  if (value === null) bytes.none()
  else bytes.int4(value)
}

export function int8(value: number | null): void {
  bytes.type(oids.int8)
  if (value === null) bytes.none()
  else bytes.int8(value)
}

export function timestamptz(us: number | null): void {
  bytes.type(oids.timestamptz)
  if (us === null) bytes.none()
  else bytes.timestamptz(us)
}

export function uuid(value: string | null): void {
  bytes.type(oids.uuid)
  if (value === null) bytes.none()
  else bytes.uuid(value)
}

export function text(value: string | null): void {
  bytes.type(oids.text)
  if (value === null) bytes.none()
  else bytes.text(value)
}

export function bytea(value: Buffer | null): void {
  bytes.type(oids.bytea)
  if (value === null) bytes.none()
  else bytes.bytea(value)
}
