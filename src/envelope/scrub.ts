/**
 * Finds secret texts where they must not be: as they are, escaped, encoded, or cut off at the end. A net for what slips out of
 * functions by mistake: one that writes a secret in a form of its own is not caught.
 */
import { type Json, parseJson, stringifyJson } from './json.ts'
import { hidden } from './secret-path.ts'

/** Shorter ones are part of too much else. */
const charsMin = 4
/** From here on they are looked for inside of words, and encoded. */
const certainChars = 8
/** Numbers in JSON with fewer digits may be any number. */
const digitsMin = 6
/** Of so many the longest; a list of thousands would cost seconds. */
const textsMax = 256
/** Lines of a longer text, such as a key in PEM, are printed one by one. */
const lineCharsMin = 16

export class Scrubber {
  readonly #exact: ReadonlySet<string>
  readonly #words: readonly string[]
  readonly #forms: readonly string[]
  /** Base64 and hex: what stands around one belongs to the same text. */
  readonly #encoded: readonly string[]

  constructor(all: readonly string[]) {
    const texts = all.filter((text) => text.length >= charsMin)
    this.#exact = new Set(texts)
    const sought = texts.toSorted((a, b) => b.length - a.length).slice(0, textsMax)
    const certain = sought.filter((text) => text.length >= certainChars).flatMap(withLines)
    this.#words = sought.filter((text) => text.length < certainChars)
    this.#forms = [...new Set(certain.flatMap(escaped))]
    this.#encoded = [...new Set(certain.flatMap(encoded))]
  }

  /** Of a log or a message, whose end may be cut. */
  text(text: string): string {
    const cut = /\n\(\d+ (?:raw )?bytes more were dropped\)\n/.exec(text)
    if (cut === null) return this.#end(this.#within(text))
    return this.#end(this.#within(text.slice(0, cut.index))) + cut[0] + this.text(text.slice(cut.index + cut[0].length))
  }

  /** JSON text in which every text, number and name was looked at. What is none is looked at as it is: an author may have written it. */
  json(text: string): string {
    try {
      const before = parseJson(text)
      const after = this.#value(before)
      return after === before ? text : stringifyJson(after)
    } catch (error) {
      // What nests so deep that it cannot be looked at is not told at all.
      return error instanceof SyntaxError ? this.text(text) : JSON.stringify(hidden)
    }
  }

  has(text: string): boolean {
    return this.#within(text) !== text
  }

  /** The same one, if nothing was found in it. */
  #value(value: Json): Json {
    if (typeof value === 'string') return this.#exact.has(value) ? hidden : this.#within(value)
    if (typeof value === 'number' || typeof value === 'bigint') {
      const digits = String(value)
      return digits.length >= digitsMin && this.#exact.has(digits) ? hidden : value
    }
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#value(item))
      return items.some((item, at) => item !== value[at]) ? items : value
    }
    const entries = Object.entries(value).map(
      ([name, field]) => [name, this.#within(name), this.#value(field)] as const,
    )
    if (entries.every(([name, said, field]) => name === said && field === value[name])) return value
    return Object.fromEntries(entries.map(([, said, field]) => [said, field]))
  }

  #within(text: string): string {
    let said = text
    for (const form of this.#forms) if (said.includes(form)) said = said.replaceAll(form, hidden)
    for (const form of this.#encoded) said = withoutRuns(said, form)
    for (const word of this.#words) if (said.includes(word)) said = withoutWord(said, word)
    return said
  }

  /** What is cut off may be the beginning of one. */
  #end(text: string): string {
    let longest = 0
    for (const form of this.#forms) longest = Math.max(longest, overlapOf(text, form))
    return longest === 0 ? text : text.slice(0, -longest) + hidden
  }
}

function withLines(text: string): string[] {
  return text.includes('\n') ? [text, ...text.split(/\r?\n/).filter((line) => line.length >= lineCharsMin)] : [text]
}

function escaped(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const url = encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'))
  return [text, json, JSON.stringify(json).slice(1, -1), url, url.replaceAll('%20', '+')]
}

function encoded(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8')
  const hex = bytes.toString('hex')
  // Wherever in a longer text it begins: what all such texts have in common.
  const base64 = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
    return whole.toString('base64').slice(before === 0 ? 0 : 4, Math.floor(whole.length / 3) * 4)
  })
  const url = base64.map((piece) => piece.replaceAll('+', '-').replaceAll('/', '_'))
  return [hex, hex.toUpperCase(), ...base64, ...url].filter((form) => form.length >= certainChars)
}

/** The whole run of such characters around it. */
function withoutRuns(text: string, form: string): string {
  let said = ''
  let from = 0
  for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, from)) {
    let begin = at
    while (begin > from && isCoded(text.charCodeAt(begin - 1))) begin--
    let end = at + form.length
    while (end < text.length && isCoded(text.charCodeAt(end))) end++
    said += text.slice(from, begin) + hidden
    from = end
  }
  return from === 0 ? text : said + text.slice(from)
}

/** Of base64 in either alphabet, or of hex. */
function isCoded(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    codedSigns.has(code)
  )
}

const codedSigns: ReadonlySet<number> = new Set([...'+/-_='].map((sign) => sign.charCodeAt(0)))

/** Where it stands for itself. */
function withoutWord(text: string, word: string): string {
  const sought = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}])${sought}(?![\\p{L}\\p{N}])`, 'gu'), () => hidden)
}

/** How many of the text's last characters are the first of the form: none, or enough to mean something. */
function overlapOf(text: string, form: string): number {
  for (let length = Math.min(form.length - 1, text.length); length >= charsMin; length--) {
    if (text.charCodeAt(text.length - 1) === form.charCodeAt(length - 1) && text.endsWith(form.slice(0, length))) {
      return length
    }
  }
  return 0
}
