/** The value that reading XML gives -> XML: what has no place in that mapping is refused, not bent. */
import { NAME_RE } from 'xmlchars/xml/1.0/ed5.js'
import type { Json } from '../json.ts'
import { unwritable } from './text.ts'

type Fields = { readonly [name: string]: Json }

/** Throws `EngineError` `value_not_writable`. */
export function writeXml(value: Json): string {
  const entries = isFields(value) ? Object.entries(value) : []
  const [root] = entries
  if (entries.length !== 1 || root === undefined || Array.isArray(root[1])) {
    throw unwritable('XML', 'anything but an object with one field: the root element')
  }
  return `<?xml version="1.0" encoding="UTF-8"?>${element(root[0], root[1])}`
}

function element(name: string, value: Json): string {
  const own = checked(name)
  if (!isFields(value)) return `<${own}>${escaped(textOf(value, name))}</${own}>`
  const attributes = Object.entries(value).filter(([field]) => field.startsWith('@'))
  const children = Object.entries(value).filter(([field]) => !field.startsWith('@'))
  const head = attributes.map(([field, each]) => attribute(field, each)).join('')
  return `<${own}${head}>${children.map(([field, each]) => child(field, each)).join('')}</${own}>`
}

function attribute(field: string, value: Json): string {
  return ` ${checked(field.slice(1))}="${escaped(textOf(value, field)).replaceAll('"', '&quot;')}"`
}

function child(field: string, value: Json): string {
  if (field === '#text') return escaped(textOf(value, field))
  if (!Array.isArray(value)) return element(field, value)
  if (value.length === 0) throw unwritable('XML', `an empty list, at ${field}`)
  return value.map((each) => element(field, each)).join('')
}

function isFields(value: Json): value is { [name: string]: Json } & Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: Json, where: string): string {
  if (value === null) throw unwritable('XML', `null, at ${where}`)
  if (typeof value === 'object') throw unwritable('XML', `a list or an object, at ${where}`)
  const text = String(value)
  if (impossible.test(text)) throw unwritable('XML', `a control character, at ${where}`)
  return text
}

/** Source: https://www.w3.org/TR/xml/#NT-Char */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const impossible = /[\0-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u

/** A bare carriage return would be read as a line feed, and in an attribute every break as a space. */
function escaped(text: string): string {
  return text.replace(/[&<>\r\n\t]/g, (character) => escapes[character] as string)
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
}

function checked(name: string): string {
  if (NAME_RE.test(name)) return name
  throw unwritable('XML', `an element or attribute with the name ${JSON.stringify(name.slice(0, 60))}`)
}
