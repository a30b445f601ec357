/**
 * Headers of which there may be one: where there are two, a proxy before us may have gone by the other one
 * (https://www.rfc-editor.org/rfc/rfc9112#section-3.2).
 */

/** The name of one that is there twice; null: none is. `rawHeaders` as Node has them: name, value, name, value. */
export function headerTwice(rawHeaders: readonly string[]): string | null {
  let seen = ''
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase()
    if (name !== 'host' && name !== 'idempotency-key') continue
    if (seen.includes(name)) return name
    seen += name
  }
  return null
}
