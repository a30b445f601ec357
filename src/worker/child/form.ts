/** How a message that a function emits is to be written: checked here, and written where its result is taken in. */
import type { FormatSpec } from '../../envelope/format.ts'
import type { EventForm, Form } from '../../envelope/written.ts'
import type { Message, MessageEvent } from '../../function/define.ts'

/** Undefined: as JSON. Throws an Error that says what is wrong. */
export function formOf({ format, cloudEvent }: Message): Form | undefined {
  if (format === undefined && cloudEvent === undefined) return undefined
  return {
    format: format === undefined ? null : specOf(format),
    event: cloudEvent === undefined ? null : eventOf(cloudEvent),
  }
}

const plain: ReadonlySet<unknown> = new Set(['json', 'json5', 'yaml', 'xml', 'form', 'msgpack', 'cbor', 'raw'])

function specOf(format: unknown): FormatSpec {
  if (plain.has(format)) return { kind: format } as FormatSpec
  const rules = format === 'csv' ? {} : (format as { readonly csv?: unknown } | null)?.csv
  if (typeof rules !== 'object' || rules === null) throw new Error(`there is no format ${shown(format)}: ${expected}`)
  const { columns = null, delimiter = ',' } = rules as { readonly columns?: unknown; readonly delimiter?: unknown }
  const areNames = columns === null || (Array.isArray(columns) && columns.every((name) => typeof name === 'string'))
  if (!areNames || typeof delimiter !== 'string' || !/^[^"\r\n]$/u.test(delimiter)) {
    throw new Error('csv takes columns, a list of names, and delimiter, one character')
  }
  return { kind: 'csv', columns, delimiter }
}

const expected = `give it one of ${[...plain, 'csv'].join(', ')}`

const names = ['type', 'source', 'id', 'subject', 'time', 'dataschema'] as const

function eventOf(event: MessageEvent): EventForm {
  const { mode = 'binary', extensions = {} } = event ?? {}
  if (mode !== 'binary' && mode !== 'structured')
    throw new Error(`mode is ${shown(mode)}: expected binary or structured`)
  if (typeof event?.type !== 'string' || event.type === '')
    throw new Error('a CloudEvent needs a type, such as film.started')
  const said = names.flatMap((name) => (event[name] === undefined ? [] : [[name, event[name]] as const]))
  const attributes = Object.fromEntries(
    [...Object.entries(extensions), ...said].map(([name, value]) => [name, text(name, value)]),
  )
  return { mode, attributes }
}

function text(name: string, value: unknown): string {
  const isText = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  if (isText && /^[a-z0-9]{1,100}$/.test(name)) return String(value)
  throw new Error(`the attribute ${shown(name)} of a CloudEvent ${isText ? 'is no name of a-z and 0-9' : 'is no text'}`)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : `a ${typeof value}`
}
