/** Bytes within a value: `{ base64: "…" }`, in and out, since neither JSON nor CEL has them. */
import type { Json } from '../json.ts'

export function fromBytes(bytes: Uint8Array): { base64: string } {
  return { base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') }
}

/** Null: it stands for no bytes. */
export function toBytes(value: Json): Buffer | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const { base64 } = value
  if (typeof base64 !== 'string' || Object.keys(value).length !== 1) return null
  return base64.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : null
}
