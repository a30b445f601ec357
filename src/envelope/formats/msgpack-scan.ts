/**
 * Looks through MessagePack before it is read: the library makes a list as long as its head says before it has seen an item,
 * so that some bytes could ask for any amount of memory, and takes bytes that are no UTF-8 for text.
 */
import { isUtf8 } from 'node:buffer'
import { EngineError } from '../../base/error.ts'
import { depthMax } from '../json.ts'
import { tooDeep, unreadable } from './text.ts'

/** Throws `EngineError` for what is cut off, goes on, nests too deep or is no text. */
export function scan(bytes: Buffer): void {
  /** Of each map or list that is open: how many values it still lacks. */
  const open = [1]
  let at = 0
  while (open.length > 0) {
    if (open.at(-1) === 0) {
      open.pop()
      continue
    }
    if (open.length > depthMax + 1) throw tooDeep()
    open[open.length - 1]! -= 1
    const { size, values } = headAt(bytes, at)
    at += size
    if (at > bytes.length || values > bytes.length - at) throw unreadable('MessagePack', 'it is cut off')
    if (values > 0) open.push(values)
  }
  if (at < bytes.length) throw unreadable('MessagePack', `${bytes.length - at} bytes follow its value`)
}

interface Head {
  /** Its bytes, those of a text or of bytes included. */
  readonly size: number
  /** That follow and are its own: of a map two for each name. */
  readonly values: number
}

/** Source: https://github.com/msgpack/msgpack/blob/master/spec.md#formats */
function headAt(bytes: Buffer, at: number): Head {
  const first = bytes[at]
  if (first === undefined) throw unreadable('MessagePack', 'it is cut off')
  if (first <= 0x7f || first >= 0xe0) return leaf(1)
  if (first <= 0x8f) return { size: 1, values: 2 * (first & 0x0f) }
  if (first <= 0x9f) return { size: 1, values: first & 0x0f }
  if (first <= 0xbf) return text(bytes, at + 1, first & 0x1f, 1)
  return longHead(bytes, at, first)
}

function longHead(bytes: Buffer, at: number, first: number): Head {
  const fixed = fixedSizes[first]
  if (fixed !== undefined) return leaf(fixed)
  const [kind, width] = counted[first] ?? []
  if (kind === undefined || width === undefined)
    throw unreadable('MessagePack', `it has a byte 0x${first.toString(16)}`)
  if (at + 1 + width > bytes.length) throw unreadable('MessagePack', 'it is cut off')
  const count = bytes.readUIntBE(at + 1, width)
  if (kind === 'text') return text(bytes, at + 1 + width, count, 1 + width)
  if (kind === 'bytes') return leaf(1 + width + count)
  if (kind === 'extension') return leaf(2 + width + count)
  return { size: 1 + width, values: kind === 'map' ? 2 * count : count }
}

function leaf(size: number): Head {
  return { size, values: 0 }
}

function text(bytes: Buffer, from: number, length: number, head: number): Head {
  if (!isUtf8(bytes.subarray(from, from + length)))
    throw new EngineError('value_not_utf8', 'the value holds a text that is not UTF-8')
  return leaf(head + length)
}

/** nil, false, true; floats; integers; extensions of fixed size. */
const fixedSizes: Readonly<Record<number, number>> = {
  192: 1,
  194: 1,
  195: 1,
  202: 5,
  203: 9,
  204: 2,
  205: 3,
  206: 5,
  207: 9,
  208: 2,
  209: 3,
  210: 5,
  211: 9,
  212: 3,
  213: 4,
  214: 6,
  215: 10,
  216: 18,
}

const counted: Readonly<Record<number, readonly ['text' | 'bytes' | 'extension' | 'list' | 'map', number]>> = {
  196: ['bytes', 1],
  197: ['bytes', 2],
  198: ['bytes', 4],
  199: ['extension', 1],
  200: ['extension', 2],
  201: ['extension', 4],
  217: ['text', 1],
  218: ['text', 2],
  219: ['text', 4],
  220: ['list', 2],
  221: ['list', 4],
  222: ['map', 2],
  223: ['map', 4],
}
