/** The one value of a header, as text. Whoever sends a credential twice, or as no text, has none: two readers could take it for two. */
import type { AuthRequest } from './request.ts'

export function soleHeader({ headers }: AuthRequest, name: string): string | null {
  const values = headers.get(name)
  if (values?.length !== 1) return null
  const [value] = values as [Buffer]
  if (value.length === 0 || value.length > bytesMax) return null
  const text = value.toString('utf8')
  return unclear.test(text) ? null : text
}

/** What stands behind the name of a scheme, such as Bearer. */
export function schemeValue(header: string | null, scheme: string): string | null {
  const match = /^(\S+) +(\S+) *$/.exec(header ?? '')
  return match?.[1]?.toLowerCase() === scheme.toLowerCase() ? (match[2] as string) : null
}

/** A header larger than this is no credential. */
const bytesMax = 16 * 1024

/** Control characters, and what stands for bytes that are no UTF-8. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const unclear = /[\u0000-\u001f\u007f\ufffd]/
