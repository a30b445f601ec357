/** Messages to Kafka: what expressions in them see, and headers that are the engine's own. */
import type { Names } from '../expression/names.ts'
import { limits } from '../limits.ts'
import { whyReserved } from '../message.ts'
import type { Path } from '../places.ts'
import { finding, shorten } from '../problem.ts'
import { valueAt } from '../shape/at.ts'
import { addAtKey, type Checking, checkExpression, checkTemplate, isThere } from './fields.ts'
import { checkMessageFormat } from './format.ts'

/** One message, or a list of them. */
export function checkPublish(checking: Checking, path: Path, names: Names): void {
  const value = valueAt(checking.file, path)
  const places = Array.isArray(value) ? [...value.slice(0, limits.publishMax).keys()] : []
  for (const place of places) checkMessage(checking, [...path, place], names)
  if (!Array.isArray(value)) checkMessage(checking, path, names)
}

function checkMessage(checking: Checking, path: Path, names: Names): void {
  if (typeof valueAt(checking.file, path) !== 'object') return
  checkExpression(checking, [...path, 'when'], names, 'bool')
  checkExpression(checking, [...path, 'key'], names, 'key')
  checkTemplate(checking, [...path, 'value'], names, 'value')
  checkTemplate(checking, [...path, 'headers'], names, 'headers')
  checkMessageFormat(checking, [...path, 'format'], valueAt(checking.file, [...path, 'cloudevents', 'mode']))
  if (isThere(checking, [...path, 'cloudevents']))
    checkTemplate(checking, [...path, 'cloudevents'], names, 'cloudevents')
  const headers = valueAt(checking.file, [...path, 'headers'])
  for (const name of Object.keys((headers ?? {}) as object)) checkHeader(checking, [...path, 'headers', name], name)
}

function checkHeader(checking: Checking, path: Path, name: string): void {
  const why = whyReserved(name)
  if (why === null) return
  const message = `the header "${shorten(name)}" ${why}`
  addAtKey(checking, path, finding('reserved_header', message, 'another name', 'rename or remove it'))
}
