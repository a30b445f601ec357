/**
 * Patterns of `matches()`: CEL means RE2, which is linear; the engine under us backtracks. What makes that explode is
 * refused when the file is checked, for a pattern meets data that strangers send.
 */
export function whyUnsafe(pattern: string): string | null {
  try {
    new RegExp(pattern)
  } catch (error) {
    return `is no regular expression (${String(error).replace(/^.*?: /, '')})`
  }
  if (/\(\?[=!<]/.test(pattern)) return 'uses lookaround or a named group'
  if (/\\[1-9]/.test(pattern)) return 'uses a backreference'
  return hasNestedRepeat(pattern) ? 'repeats a group that repeats something' : null
}

/** A group under `*`, `+` or `{n,}` that holds such a repeat itself: `(a+)+`. */
function hasNestedRepeat(pattern: string): boolean {
  const groups: { repeats: boolean }[] = [{ repeats: false }]
  for (const [token] of pattern.matchAll(tokens)) {
    if (token === '(') groups.push({ repeats: false })
    else if (token.startsWith(')')) {
      const inner = groups.length > 1 ? groups.pop()! : groups[0]!
      const repeated = token.length > 1
      if (repeated && inner.repeats) return true
      if (repeated || inner.repeats) groups.at(-1)!.repeats = true
    } else if (unbounded.test(token)) groups.at(-1)!.repeats = true
  }
  return false
}

/** Escapes and classes are skipped as one; a closing parenthesis comes with its repeat. */
const tokens = /\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?:)?|\)(?:[*+]|\{\d+,\d*\})?|[*+]|\{\d+,\d*\}/gs
const unbounded = /^(?:[*+]|\{\d+,\d*\})$/
