/** Bytes as they are: a text where they are UTF-8, else `{ base64 }`. */
import { storableText } from '../../base/utf8.ts'
import type { Format } from '../format.ts'
import { fromBytes, toBytes } from './bytes.ts'
import { unwritable } from './text.ts'

export const raw: Format = {
  mediaTypes: ['application/octet-stream', 'text/plain'],
  decode: (bytes) => storableText(bytes) ?? fromBytes(bytes),
  encode(value) {
    if (typeof value === 'string') return Buffer.from(value, 'utf8')
    const bytes = toBytes(value)
    if (bytes !== null) return bytes
    throw unwritable('raw', 'anything but a text, or bytes as { base64 }')
  },
}
