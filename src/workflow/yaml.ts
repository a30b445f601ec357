/**
 * YAML text -> plain values that remember where in the file they stand. A workflow is data: what YAML has beyond JSON's
 * shapes (anchors, merge keys, tags, directives) is refused, so that what is read is what is there to be read.
 */

import type { Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import { Composer, type Document, isAlias, isMap, isScalar, isSeq, type Node, Parser } from 'yaml'
import { deeperThan, yamlOptions } from '../envelope/yaml-source.ts'
import { limits } from './limits.ts'
import { keyOf, offsetIn, offsetOf, type Path, type Places } from './places.ts'
import type { Finding } from './problem.ts'
import { explainYaml, refusals } from './yaml-words.ts'

/** A finding at an offset (UTF-16 units) into the file. */
export interface PlacedFinding extends Finding {
  readonly at: number
  /** Of a value that was refused: what its shape would say of it is no news. */
  readonly refused?: Path
}

export interface YamlFile {
  readonly value: unknown
  readonly findings: readonly PlacedFinding[]
  /** False when the text is no YAML at all: then `value` says nothing. */
  readonly readable: boolean
  /** The offset of what is at the path: its key or its value; of the nearest thing around it where it is missing. */
  offsetOf(path: Path, part: 'key' | 'value'): number
  /** The offset of a place inside of the text at the path. */
  offsetIn(path: Path, textOffset: number): number
}

export function readYaml(text: string): YamlFile {
  const places: Places = new Map()
  const reading: Reading = { text, places, findings: [] }
  const document = compose(text, reading)
  const value = document?.contents && reading.findings.length === 0 ? plain(document.contents, [], reading) : null
  return {
    value,
    findings: reading.findings,
    readable: document !== null && reading.findings.every((finding) => finding.code !== 'yaml_syntax'),
    offsetOf: (path, part) => offsetOf(places, path, part),
    offsetIn: (path, textOffset) => offsetIn(places, text, path, textOffset),
  }
}

interface Reading {
  readonly text: string
  readonly places: Places
  readonly findings: PlacedFinding[]
}

/** In two steps, because the second recurses: the tree of tokens is measured before it is composed. */
function compose(text: string, reading: Reading): Document | null {
  const tokens = [...new Parser().parse(text)]
  const tooDeep = deeperThan(limits.depthMax, tokens)
  if (tooDeep !== null) return refuse(reading, tooDeep, refusals.depth)
  const documents = [...new Composer(yamlOptions).compose(tokens, true, text.length)]
  const [document, second] = documents as [Document, Document?]
  if (document.directives?.yaml.explicit || text.startsWith('%')) return refuse(reading, 0, refusals.directive)
  if (second) return refuse(reading, second.range?.[0] ?? 0, refusals.documents)
  const warnings = document.warnings.filter((warning) => warning.code !== 'TAG_RESOLVE_FAILED')
  for (const error of [...document.errors, ...warnings])
    reading.findings.push({ at: error.pos[0], ...explainYaml(error) })
  return document
}

function refuse(reading: Reading, at: number, finding: Finding, refused?: Path): null {
  reading.findings.push({ at, ...finding, ...(refused && { refused }) })
  return null
}

function plain(node: Node, path: Path, reading: Reading): unknown {
  if (!reading.places.has(keyOf(path))) reading.places.set(keyOf(path), { key: null, value: node })
  const refused = refusalOf(node, reading.text)
  if (refused) return refuse(reading, refused.at, refused.finding, path)
  if (isMap(node)) return plainMap(node, path, reading)
  if (isSeq(node)) return plainList(node, path, reading)
  return isScalar(node) ? plainScalar(node, path, reading) : null
}

/** Tags and anchors stand before the place where their node begins. */
function refusalOf(node: Node, text: string): { at: number; finding: Finding } | null {
  const start = node.range?.[0] ?? 0
  if (isAlias(node)) return { at: start, finding: refusals.anchor }
  if (node.anchor) return { at: Math.max(text.lastIndexOf('&', start), 0), finding: refusals.anchor }
  if (!node.tag) return null
  const at = Math.max(text.lastIndexOf(' !', start) + 1, 0)
  return { at, finding: refusals.tag(text.slice(at, start).trim()) }
}

function plainList(list: YAMLSeq, path: Path, reading: Reading): unknown[] {
  return list.items.map((item, place) => {
    const at = [...path, place]
    const node = item as Node | null
    reading.places.set(keyOf(at), { key: node?.range?.[0] ?? null, value: node })
    return node ? plain(node, at, reading) : null
  })
}

function plainMap(map: YAMLMap, path: Path, reading: Reading): object {
  const object = {}
  for (const pair of map.items as Pair<Node, Node | null>[]) {
    const name = keyName(pair.key, reading)
    if (name === null) continue
    const at = [...path, name]
    const offset = pair.key.range?.[0] ?? 0
    if (Object.hasOwn(object, name)) refuse(reading, offset, refusals.duplicate(name))
    else reading.places.set(keyOf(at), { key: offset, value: pair.value })
    const value = pair.value ? plain(pair.value, at, reading) : null
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return object
}

function keyName(key: Node, reading: Reading): string | null {
  const at = key.range?.[0] ?? 0
  const refused = refusalOf(key, reading.text)
  if (refused) return refuse(reading, refused.at, refused.finding)
  if (!isScalar(key) || key.value === null) return refuse(reading, at, refusals.key)
  const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
  if (name === '<<') return refuse(reading, at, refusals.merge)
  return storable(name) ? name : refuse(reading, at, refusals.characters)
}

function plainScalar({ value, range }: Scalar, path: Path, reading: Reading): unknown {
  const at = range?.[0] ?? 0
  if (typeof value === 'string') return storable(value) ? value : refuse(reading, at, refusals.characters, path)
  if (typeof value === 'number') return Number.isFinite(value) ? value : refuse(reading, at, refusals.number, path)
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** Postgres' text holds neither NUL nor half a surrogate pair, and a step's input may end there. */
function storable(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text)
}
