/** Bytes that may be text. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Null: they are no UTF-8. A byte order mark stays. */
export function utf8Text(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}

/** Null also where they hold a NUL, which Postgres' text cannot. */
export function storableText(bytes: Uint8Array): string | null {
  const text = utf8Text(bytes)
  return text?.includes('\0') ? null : text
}
