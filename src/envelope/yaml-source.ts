/** How YAML is read wherever it comes from (values of events, workflow files): the options of its parser, and how deep a text nests. */
import type { CST } from 'yaml'

/** Plain data by the core schema of YAML 1.2; what is beyond is left for the reader to refuse in words of its own. */
export const yamlOptions = {
  version: '1.2',
  schema: 'core',
  strict: true,
  merge: false,
  resolveKnownTags: false,
  intAsBigInt: true,
  prettyErrors: false,
  logLevel: 'silent',
  /** The library's own check compares every key with every other; ours is a look-up. */
  uniqueKeys: false,
} as const

/** The offset of something that nests deeper; null: nothing does. Told from the tokens, for composing them recurses. */
export function deeperThan(depthMax: number, tokens: readonly CST.Token[]): number | null {
  const open: [CST.Token, number][] = tokens.map((token) => [token, 0])
  for (let next = open.pop(); next; next = open.pop()) {
    const [token, depth] = next
    if (depth > depthMax) return token.offset
    for (const inner of innerTokens(token)) open.push([inner, depth + 1])
  }
  return null
}

function* innerTokens(token: CST.Token): Iterable<CST.Token> {
  if (token.type === 'document' && token.value) yield token.value
  if (!('items' in token)) return
  for (const item of token.items) {
    if (item.key) yield item.key
    if (item.value) yield item.value
  }
}
