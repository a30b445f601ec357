/** Bytes as they are: a text where they are UTF-8, else `{ base64 }`. */
import type { Format } from '../format.ts'
import { fromBytes, toBytes } from './bytes.ts'
import { textOf, unwritable } from './text.ts'

export const raw: Format = {
  mediaTypes: ['application/octet-stream', 'text/plain'],
  decode(bytes) {
    try {
      const text = textOf(bytes)
      // The ledger's text cannot hold a NUL.
      if (!text.includes('\0')) return text
    } catch {}
    return fromBytes(bytes)
  },
  encode(value) {
    if (typeof value === 'string') return Buffer.from(value, 'utf8')
    const bytes = toBytes(value)
    if (bytes !== null) return bytes
    throw unwritable('raw', 'anything but a text, or bytes as { base64 }')
  },
}
