/** Where in a file a value stands that has been read from it: a problem without a line helps nobody. */
import { isScalar, LineCounter, type Node } from 'yaml'

export type Path = readonly (string | number)[]

export interface Place {
  readonly key: number | null
  readonly value: Node | null
}

export type Places = Map<string, Place>

/** Line and column, both from 1, of an offset. */
export function positionsOf(text: string): (offset: number) => { line: number; column: number } {
  const counter = new LineCounter()
  counter.addNewLine(0)
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) counter.addNewLine(at + 1)
  return (offset) => {
    const { line, col } = counter.linePos(offset)
    return { line, column: col }
  }
}

export function keyOf(path: Path): string {
  return JSON.stringify(path)
}

export function offsetOf(places: Places, path: Path, part: 'key' | 'value'): number {
  for (let length = path.length; length >= 0; length--) {
    const place = places.get(keyOf(path.slice(0, length)))
    if (!place) continue
    const value = place.value?.range?.[0] ?? place.key
    return (part === 'key' || length < path.length || isBlank(place) ? (place.key ?? value) : value) ?? 0
  }
  return 0
}

/** `with:` and nothing behind it: the value has no place of its own. */
function isBlank({ value }: Place): boolean {
  return !value?.range || value.range[0] === value.range[1]
}

export function offsetIn(places: Places, text: string, path: Path, textOffset: number): number {
  const start = offsetOf(places, path, 'value')
  const node = places.get(keyOf(path))?.value
  if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return start
  if (node.type === 'BLOCK_LITERAL') return offsetInBlock(text, node.range[0], node.value, textOffset)
  const quoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE' ? 1 : 0
  const written = text.startsWith(node.value, start + quoted)
  return written ? start + quoted + textOffset : start
}

/** In a `|` block every line of the value is a line of the file, behind the block's indentation. */
function offsetInBlock(text: string, header: number, value: string, textOffset: number): number {
  const before = value.slice(0, textOffset).split('\n')
  let line = text.indexOf('\n', header) + 1
  for (let skipped = 1; skipped < before.length; skipped++) line = text.indexOf('\n', line) + 1
  const wholeLine = value.split('\n')[before.length - 1]!
  const end = text.indexOf('\n', line)
  const column = text.slice(line, end < 0 ? undefined : end).indexOf(wholeLine)
  return line + Math.max(column, 0) + before.at(-1)!.length
}
