/**
 * One YAML 1.2 document of plain data, read by its core schema. Anchors, aliases, tags, directives and merge keys are refused:
 * they are how a small text becomes a large value, or another than it seems.
 */
import type { Pair, Scalar } from 'yaml'
import { Composer, type Document, isAlias, isMap, isScalar, isSeq, type Node, Parser, stringify } from 'yaml'
import type { Format } from '../format.ts'
import { depthMax, type Json } from '../json.ts'
import { exactNumber, plainInteger } from '../number.ts'
import { deeperThan, yamlOptions } from '../yaml-source.ts'
import { put } from './plain.ts'
import { reading, textOf, tooDeep, unreadable, upTo, withoutMark } from './text.ts'

export const yaml: Format = {
  mediaTypes: ['application/yaml', 'text/yaml', 'application/x-yaml', 'text/x-yaml'],
  decode: (bytes) => reading('YAML', () => readYaml(withoutMark(textOf(upTo(bytesMax, 'YAML', bytes))))),
  encode: (value) => Buffer.from(stringify(value, writing), 'utf8'),
}

/** The parser takes some microseconds for a character: what it is given at most is read in a fraction of a second. */
const bytesMax = 64 * 1024

function readYaml(text: string): Json {
  refuseBrackets(text)
  const { contents } = compose(text)
  return contents === null ? null : read(contents)
}

/** The parser is slow with what never closes. Those in texts count too, but nobody opens a thousand there. */
const openMax = 1000

function refuseBrackets(text: string): void {
  let open = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at) | 0x20
    if (code === 0x7b) open++
    else if (code === 0x7d) open--
    if (open > openMax) throw tooDeep()
  }
}

/** In two steps, because the second recurses: the tree of tokens is measured before it is composed. */
function compose(text: string): Document {
  const tokens = [...new Parser().parse(text)]
  if (deeperThan(depthMax + 1, tokens) !== null) throw tooDeep()
  const [document, second] = withoutStacks(() => firstTwo(new Composer(yamlOptions).compose(tokens, true, text.length)))
  if (document.directives?.yaml.explicit || text.startsWith('%')) throw unreadable('YAML', 'directives are not taken')
  if (second) throw unreadable('YAML', 'it holds several documents, one is taken')
  const [error] = [...document.errors, ...document.warnings]
  if (error) throw unreadable('YAML', `${error.message} (at character ${error.pos[0] + 1})`)
  return document
}

function firstTwo(documents: Iterator<unknown>): [Document, Document | undefined] {
  return [documents.next().value as Document, documents.next().value as Document | undefined]
}

/** The composer makes an error of everything that it does not like, and the platform a stack for each, which is what takes the time. */
function withoutStacks<T>(act: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return act()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function read(node: Node): Json {
  refuseMagic(node)
  if (isSeq(node)) return node.items.map((item) => (item === null ? null : read(item as Node)))
  if (isMap(node)) return mapOf(node.items as Pair<Node, Node | null>[])
  return isScalar(node) ? scalarOf(node) : null
}

function refuseMagic(node: Node): void {
  if (isAlias(node) || node.anchor) throw refused(node, 'anchors and aliases')
  if (node.tag) throw refused(node, 'tags')
}

function refused(node: Node, what: string): Error {
  return unreadable('YAML', `${what} are not taken (at character ${(node.range?.[0] ?? 0) + 1})`)
}

function mapOf(pairs: readonly Pair<Node, Node | null>[]): Json {
  const object: { [name: string]: Json } = {}
  for (const { key, value } of pairs) {
    const name = nameOf(key)
    if (Object.hasOwn(object, name)) throw refused(key, `maps with the name ${JSON.stringify(name.slice(0, 60))} twice`)
    put(object, name, value === null ? null : read(value))
  }
  return object
}

/** `1: a` is as good a name as `"1": a`. */
function nameOf(key: Node): string {
  refuseMagic(key)
  if (!isScalar(key)) throw refused(key, 'keys that are maps or lists')
  if (key.source === '<<') throw refused(key, 'merge keys')
  return typeof key.value === 'string' ? key.value : (key.source ?? '')
}

/** Numbers from how they are written: the library has rounded them. */
function scalarOf(node: Scalar): Json {
  const { value, source } = node
  if (typeof value === 'bigint') {
    if ((source ?? '').length > integerCharsMax) throw refused(node, 'numbers of more than 1000 digits')
    return plainInteger(value)
  }
  if (typeof value !== 'number') return value as string | boolean | null
  if (!Number.isFinite(value) && !/\d/.test(source ?? '')) throw refused(node, `numbers such as ${source}`)
  return exactNumber(
    (source as string)
      .replace(/^\+/, '')
      .replace(/^(-?)\./, '$10.')
      .replace(/\.(?=e|$)/i, ''),
  )
}

const integerCharsMax = 1000

/** No folding: a long text stays on its line. */
const writing = { version: '1.2', schema: 'core', lineWidth: 0, aliasDuplicateObjects: false } as const
