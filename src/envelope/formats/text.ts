/** Bytes that are to be text, and the sentences of those that are not what they should be. */
import { EngineError, messageOf } from '../../base/error.ts'
import { utf8Text } from '../../base/utf8.ts'
import { TooManyDigits } from '../number.ts'

/** Throws `EngineError` `value_not_utf8`. */
export function textOf(bytes: Uint8Array): string {
  const text = utf8Text(bytes)
  if (text !== null) return text
  throw new EngineError('value_not_utf8', 'the value is not UTF-8 text')
}

/** Of formats whose reading takes its time, so that no value holds up others. Throws `EngineError` `value_too_large`. */
export function upTo<Bytes extends Uint8Array>(bytesMax: number, name: string, bytes: Bytes): Bytes {
  if (bytes.length <= bytesMax) return bytes
  const message = `the value has ${bytes.length} bytes, at most ${bytesMax} are read as ${name}`
  throw new EngineError('value_too_large', message)
}

/** Most who write XML or YAML by hand do not know that their editor has put one there. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

/** `value_not_yaml`, `the value is not YAML: …`; the reason on one line, without the value. */
export function unreadable(name: string, why: unknown): EngineError {
  const reason = (why instanceof Error ? messageOf(why) : String(why)).split('\n')[0]?.slice(0, 200)
  const options = why instanceof Error ? { cause: why } : {}
  return new EngineError(codeOf(name), `the value is not ${name}: ${reason}`, options)
}

function codeOf(name: string): string {
  return `value_not_${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')}`
}

/** Reads with a library whose errors are of its own kinds; what nests so deep that its stack is full is unstorable. */
export function reading<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof EngineError) throw error
    if (error instanceof Error && isStackFull(error)) throw tooDeep()
    if (error instanceof TooManyDigits) throw new EngineError('value_unstorable', `the value holds ${error.message}`)
    throw unreadable(name, error)
  }
}

/** As the platform says it, and acorn. */
export function isStackFull(error: Error): boolean {
  return /call stack|stack space/i.test(error.message)
}

export function tooDeep(): EngineError {
  return new EngineError('value_unstorable', 'the value nests deeper than 128 levels')
}

/** What a value holds that the format has no way to say. */
export function unwritable(name: string, why: string): EngineError {
  return new EngineError('value_not_writable', `${name} cannot say ${why}`)
}
