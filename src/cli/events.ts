/** The events that `publish` is given: one on the command line, or one a line in a file or on standard input. */
import { randomUUID } from 'node:crypto'
import { text as textOf } from 'node:stream/consumers'
import { EngineError, messageOf } from '../base/error.ts'
import { type Json, parseJson, stringifyJson } from '../envelope/json.ts'
import type { NewRecord } from '../intake/send.ts'
import { usage } from './fail.ts'
import { readText } from './read-text.ts'

export interface EventOptions {
  readonly data?: string
  readonly file?: string
  readonly key?: string
  readonly header?: readonly string[]
  /** Makes CloudEvents of this type. */
  readonly type?: string
  readonly envelope?: boolean
  readonly raw?: boolean
}

/** All are read and checked before the first is published, so they are held in memory. */
const bytesMax = 256 * 1024 * 1024

/** Throws `EngineError` `not_json` naming the line, before anything is sent. */
export async function readEvents(options: EventOptions): Promise<NewRecord[]> {
  if (options.data !== undefined && options.file !== undefined) throw usage('give --data or --file, not both')
  const headers = headersOf(options.header ?? [])
  const { name, text } = await source(options)
  const values = options.raw ? rawLines(text) : jsonValues(text, name)
  return values.map(({ value, at }) => eventOf(value, at, headers, options))
}

async function source({ data, file }: EventOptions): Promise<{ name: string; text: string }> {
  if (data !== undefined) return { name: '--data', text: data }
  if (file !== undefined && file !== '-') return { name: file, text: await readText(file, bytesMax) }
  if (process.stdin.isTTY) process.stderr.write('one event a line, as JSON; Ctrl-D ends, Ctrl-C leaves\n')
  return { name: 'standard input', text: await textOf(process.stdin) }
}

interface Value {
  readonly value: string
  /** For errors: where it was read. */
  readonly at: string
}

function rawLines(text: string): Value[] {
  return linesOf(text).map(({ line, number }) => ({ value: line, at: `line ${number}` }))
}

/** One event that is written over several lines is taken too. */
function jsonValues(text: string, name: string): Value[] {
  if (isJson(text)) return [{ value: text.trim(), at: name }]
  return linesOf(text).map(({ line, number }) => {
    const at = `${name}:${number}`
    parsed(line, at)
    return { value: line, at }
  })
}

function linesOf(text: string): { line: string; number: number }[] {
  const lines = text.split(/\r?\n/).map((line, index) => ({ line, number: index + 1 }))
  return lines.filter(({ line }) => line.trim() !== '')
}

function isJson(text: string): boolean {
  try {
    parseJson(text)
    return true
  } catch {
    return false
  }
}

function parsed(text: string, at: string): Json {
  try {
    return parseJson(text)
  } catch (cause) {
    const hint = 'expected JSON, one event a line; --raw sends lines as they are'
    throw new EngineError('not_json', `${at}: ${messageOf(cause)}; ${hint}`, { cause })
  }
}

function eventOf(value: string, at: string, headers: Record<string, string>, options: EventOptions): NewRecord {
  const all = { ...headers, ...cloudEvent(options.type) }
  const key = options.key ?? null
  if (!options.envelope) return { key, value, headers: all }
  const own = parsed(value, at)
  if (!isMap(own) || !('value' in own)) throw notAnEnvelope(at)
  const ownHeaders = isMap(own.headers ?? null) ? (own.headers as Record<string, Json>) : {}
  const texts = Object.entries(ownHeaders).map(([name, each]) => [name, textFor(each)])
  return {
    key: own.key === undefined || own.key === null ? key : textFor(own.key),
    value: stringifyJson(own.value as Json),
    headers: { ...all, ...Object.fromEntries(texts) },
  }
}

function isMap(value: Json): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textFor(value: Json): string {
  return typeof value === 'string' ? value : stringifyJson(value)
}

function notAnEnvelope(at: string): EngineError {
  return new EngineError(
    'not_an_envelope',
    `${at}: expected {"value": …, "key": …, "headers": {…}}, as --envelope asks`,
  )
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md (binary mode) */
function cloudEvent(type: string | undefined): Record<string, string> {
  if (type === undefined) return {}
  return { ce_specversion: '1.0', ce_id: randomUUID(), ce_type: type, ce_source: 'millrace/publish' }
}

function headersOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw usage(`--header ${pair}: expected NAME=VALUE`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
