/**
 * Finds the `${{ … }}` in a text. An expression may hold braces and quotes of its own, so its end is found by
 * counting, not by searching. `$${{` stands for the characters `${{`.
 */
export type Part = string | { readonly source: string; readonly offset: number }

/** The parts in order; `unclosed` is the offset of a `${{` that nothing closes. */
export function splitPlaceholders(text: string): { parts: Part[] } | { unclosed: number } {
  const parts: Part[] = []
  let literal = ''
  let at = 0
  for (let open = text.indexOf('${{'); open >= 0; open = text.indexOf('${{', at)) {
    const escaped = open > at && text[open - 1] === '$'
    literal += text.slice(at, escaped ? open - 1 : open)
    const close = escaped ? open + 3 : endOfExpression(text, open + 3)
    if (close < 0) return { unclosed: open }
    if (escaped) literal += '${{'
    else parts.push(literal, { source: text.slice(open + 3, close), offset: open + 3 })
    if (!escaped) literal = ''
    at = escaped ? close : close + 2
  }
  return { parts: [...parts, literal + text.slice(at)].filter((part) => part !== '') }
}

/** True when a text has an expression in it. */
export function hasPlaceholder(text: string): boolean {
  return text.includes('${{')
}

/** The offset of the `}}` that ends the expression begun at `from`, or -1. */
function endOfExpression(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const char = text[at]
    if (char === '"' || char === "'") at = endOfText(text, at)
    else if (char === '{') depth++
    else if (char === '}' && depth > 0) depth--
    else if (char === '}' && text[at + 1] === '}') return at
  }
  return -1
}

/** The offset of the quote that closes the CEL text begun at `from`, or the end. */
function endOfText(text: string, from: number): number {
  const quote = text[from]!
  const long = text.startsWith(quote.repeat(3), from)
  const closing = long ? quote.repeat(3) : quote
  for (let at = from + closing.length; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text.startsWith(closing, at)) return at + closing.length - 1
  }
  return text.length
}
