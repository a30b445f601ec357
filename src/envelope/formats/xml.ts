/**
 * XML. An element of text alone is that text; else it is an object: attributes as `@name`, elements by name, those that come
 * several times as a list, text beside them as `#text`. The value is an object with the root element. Every leaf is a text; names
 * stay as they are written, with their prefixes. What stands between elements (white space, comments, instructions) is left out.
 */
import { SaxesParser, type SaxesTagPlain } from 'saxes'
import type { Format } from '../format.ts'
import { depthMax, type Json } from '../json.ts'
import { put } from './plain.ts'
import { textOf, tooDeep, unreadable, withoutMark } from './text.ts'
import { writeXml } from './xml-write.ts'

export const xml: Format = {
  mediaTypes: ['application/xml', 'text/xml'],
  decode: (bytes) => readXml(withoutMark(textOf(bytes))),
  encode: (value) => Buffer.from(writeXml(value), 'utf8'),
}

interface Open {
  readonly name: string
  readonly fields: { [name: string]: Json }
  isText: boolean
  text: string
}

const attributesMax = 1000

function readXml(text: string): Json {
  const parser = new SaxesParser()
  const root: Open = { name: '', fields: {}, isText: false, text: '' }
  const open = [root]
  parser.on('error', (error) => {
    throw unreadable(
      'XML',
      error.message.replace(/^\d+:\d+: /, (place) => `at ${place}`),
    )
  })
  parser.on('doctype', () => {
    throw unreadable('XML', 'a DOCTYPE is not taken, nor the entities it could declare')
  })
  parser.on('xmldecl', ({ encoding }) => refuseEncoding(encoding))
  parser.on('opentag', (tag) => {
    if (open.length > depthMax / 2) throw tooDeep()
    open.push(opened(tag))
  })
  parser.on('text', (part) => addText(open.at(-1) as Open, part))
  parser.on('cdata', (part) => addText(open.at(-1) as Open, part))
  parser.on('closetag', () => {
    const element = open.pop() as Open
    add(open.at(-1) as Open, element.name, read(element))
  })
  parser.write(text).close()
  return root.fields
}

function refuseEncoding(encoding: string | undefined): void {
  if (encoding === undefined || /^(?:utf-?8|us-ascii)$/i.test(encoding)) return
  throw unreadable('XML', `its declaration says ${encoding.slice(0, 40)}, UTF-8 is taken`)
}

function opened({ name, attributes }: SaxesTagPlain): Open {
  const entries = Object.entries(attributes)
  if (entries.length > attributesMax) throw unreadable('XML', `an element has more than ${attributesMax} attributes`)
  const fields = {}
  for (const [attribute, value] of entries) put(fields, `@${attribute}`, value)
  return { name, fields, isText: entries.length === 0, text: '' }
}

function addText(element: Open, part: string): void {
  element.text += part
}

function add(to: Open, name: string, value: Json): void {
  const { fields } = to
  to.isText = false
  const there = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (there === undefined) put(fields, name, value)
  else if (Array.isArray(there)) there.push(value)
  else put(fields, name, [there, value])
}

function read({ fields, text, isText }: Open): Json {
  if (isText) return text
  if (text.trim() !== '') put(fields, '#text', text)
  return fields
}
