/** One line of CSV (RFC 4180): an object by the columns of the workflow file, else a list. Every field is a text. */
import Papa from 'papaparse'
import type { Format } from '../format.ts'
import type { Json } from '../json.ts'
import { put } from './plain.ts'
import { textOf, unreadable, unwritable, withoutMark } from './text.ts'

export interface CsvRules {
  /** Null: a list of fields. */
  readonly columns: readonly string[] | null
  readonly delimiter: string
}

export function csv({ columns, delimiter }: CsvRules): Format {
  return {
    mediaTypes: ['text/csv'],
    decode(bytes) {
      const fields = fieldsOf(withoutMark(textOf(bytes)), delimiter)
      return columns === null ? fields : byName(columns, fields)
    },
    encode(value) {
      const fields = columns === null ? listOf(value) : fieldsBy(columns, value)
      // One empty field is a line of its own, which nobody could tell from none.
      return Buffer.from(Papa.unparse([fields], { delimiter, newline: '\n' }) || '""', 'utf8')
    },
  }
}

/** A CSV line without anything said of it. */
export const plainCsv: CsvRules = { columns: null, delimiter: ',' }

const fieldsMax = 10_000

function fieldsOf(text: string, delimiter: string): string[] {
  const line = text.replace(/\r?\n$/, '')
  if (line === '') throw unreadable('CSV', 'it is empty')
  if (tooMany(line, delimiter)) throw unreadable('CSV', `it has more than ${fieldsMax} fields`)
  const { data, errors } = Papa.parse<string[]>(line, { delimiter, newline: '\n', quoteChar: '"', preview: 2 })
  const [error] = errors
  if (error) throw unreadable('CSV', error.message.toLowerCase())
  if (data.length !== 1) throw unreadable('CSV', 'it has more than one line')
  return data[0] as string[]
}

/** Counted before they are made. */
function tooMany(line: string, delimiter: string): boolean {
  let fields = 1
  for (let at = line.indexOf(delimiter); at >= 0; at = line.indexOf(delimiter, at + 1)) fields++
  return fields > fieldsMax
}

function byName(columns: readonly string[], fields: readonly string[]): Json {
  if (fields.length !== columns.length) {
    throw unreadable('CSV', `it has ${fields.length} fields, the columns are ${columns.length}`)
  }
  const object: { [name: string]: Json } = {}
  for (const [place, column] of columns.entries()) put(object, column, fields[place] as string)
  return object
}

function listOf(value: Json): string[] {
  if (!Array.isArray(value)) throw unwritable('CSV', 'anything but a list of fields, unless columns are named')
  return value.map((field, place) => fieldText(field, `[${place}]`))
}

function fieldsBy(columns: readonly string[], value: Json): string[] {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject) throw unwritable('CSV', 'anything but an object with its columns')
  const stranger = Object.keys(value).find((name) => !columns.includes(name))
  if (stranger !== undefined) throw unwritable('CSV', `what no column is named for: ${stranger}`)
  return columns.map((column) => {
    if (!Object.hasOwn(value, column)) throw unwritable('CSV', `what is not there: the column ${column}`)
    return fieldText(value[column] as Json, column)
  })
}

function fieldText(value: Json, where: string): string {
  if (value !== null && typeof value === 'object') throw unwritable('CSV', `an object or a list, at ${where}`)
  return value === null ? '' : String(value)
}
