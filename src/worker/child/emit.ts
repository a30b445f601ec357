/** What an attempt gives to `context.emit`: checked at once, where its author sees who did it, and sent with the result. */
import { type Json, stringifyJson } from '../../envelope/json.ts'
import type { Form } from '../../envelope/written.ts'
import type { Message } from '../../function/define.ts'
import { topicPattern, whyReserved } from '../../workflow/message.ts'
import type { ChildSettings, EmittedMessage } from '../wire.ts'
import { formOf } from './form.ts'
import { misuse } from './misuse.ts'
import { Pile } from './pile.ts'

export type Emissions = Pile<EmittedMessage>

export function newEmissions({ emittedMax, emittedBytesMax }: ChildSettings): Emissions {
  const limits = { most: emittedMax, bytesMax: emittedBytesMax }
  return new Pile({ by: 'context.emit', what: 'messages', code: 'message_too_large', ...limits })
}

/** Throws a `fail` that says what is wrong. */
export function emit(emissions: Emissions, message: Message): void {
  const made = checked(message)
  emissions.add(made, bytesOf(made))
}

function checked(message: Message): EmittedMessage {
  if (typeof message !== 'object' || message === null) throw invalid('what it is given is no message: { topic, value }')
  const { topic, key, value, headers } = message
  if (typeof topic !== 'string' || !topicPattern.test(topic)) throw invalid(`${shown(topic)} cannot be a topic's name`)
  const form = checkedForm(message)
  const made = [topic, keyOf(key), valueText(topic, value), headersOf(topic, headers ?? {})] as const
  return form === undefined ? made : [...made, form]
}

function checkedForm(message: Message): Form | undefined {
  try {
    return formOf(message)
  } catch (error) {
    throw invalid(`the message for ${message.topic}: ${(error as Error).message}`)
  }
}

function keyOf(key: Message['key']): string | null {
  if (key === undefined || key === null) return null
  if (typeof key === 'object' || typeof key === 'function' || typeof key === 'symbol') {
    throw invalid(`${shown(key)} cannot be a key: give it a text, a number or a boolean`)
  }
  return String(key)
}

function valueText(topic: string, value: unknown): string | null {
  if (value === null) return null
  const text = value === undefined ? undefined : textOf(topic, value)
  if (text === undefined) throw invalid(`the value for ${topic} is ${typeof value}, which JSON cannot say`)
  return text
}

function textOf(topic: string, value: unknown): string | undefined {
  try {
    return stringifyJson(value as Json)
  } catch (error) {
    throw invalid(`the value for ${topic} cannot be written as JSON: ${String(error).split('\n')[0]}`)
  }
}

function headersOf(topic: string, headers: NonNullable<Message['headers']>): Record<string, string> {
  const given = Object.entries(headers).filter(([, value]) => value !== null && value !== undefined)
  for (const [name, value] of given) {
    const why = typeof value === 'object' ? 'is no text' : whyReserved(name)
    if (why !== null) throw invalid(`the header ${shown(name)} for ${topic} ${why}`)
  }
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]))
}

function bytesOf([topic, key, value, headers, form]: EmittedMessage): number {
  const texts = [
    topic,
    key ?? '',
    value ?? '',
    ...Object.entries(headers).flat(),
    form === undefined ? '' : JSON.stringify(form),
  ]
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : `a ${typeof value}`
}

function invalid(why: string) {
  return misuse('message_invalid', `context.emit: ${why}`)
}
