/** A record as workflows read it: each in the format of its own, which of the ledger's versions it was or may have been. */
import { EngineError } from '../base/error.ts'
import { type Decoded, decode } from '../envelope/decode.ts'
import type { FormatSpec } from '../envelope/format.ts'
import type { RawRecord } from '../envelope/record.ts'
import { triggerOf } from '../workflow/trigger.ts'
import type { Said } from './content-rules.ts'
import type { World } from './world.ts'

export type Read = Decoded | EngineError

/** What the row may have been made of, each reading once. */
export type Readings = (row: Said) => readonly Read[]

export function readingsOf(record: RawRecord | EngineError, topic: string, where: string, world: World): Readings {
  if (record instanceof EngineError) return () => [record]
  const known = new Map<string, Read>()
  const readAs = (format: FormatSpec | null) => {
    const name = JSON.stringify(format)
    const read = known.get(name) ?? tryDecode(record, where, format)
    known.set(name, read)
    return read
  }
  return (row) => [...new Set(formatsOf(row, topic, world).map(readAs))]
}

function tryDecode(record: RawRecord, where: string, format: FormatSpec | null): Read {
  try {
    return decode(record, where, Number.POSITIVE_INFINITY, { format })
  } catch (error) {
    if (error instanceof EngineError) return error
    throw error
  }
}

/** Of the version that is known, of any of the workflow, or of any of the topic. */
function formatsOf(
  { what, workflow, version_id: id }: Said,
  topic: string,
  { versions }: World,
): (FormatSpec | null)[] {
  const own = versions.filter((version) =>
    what === 'transaction' ? version.id === id : workflow === null || version.workflow === workflow,
  )
  const formats = own.flatMap(({ plan }) => {
    if (plan === null) return []
    const awaited = plan.signals.flatMap((each) => (each.topic === topic ? [each.format] : []))
    if (what === 'signal') return awaited
    const started = [false, true].flatMap((isRequest) => triggerOf(plan, topic, isRequest)?.format ?? [])
    const isPlain = [false, true].some((isRequest) => triggerOf(plan, topic, isRequest)?.format === null)
    return [...(isPlain ? [null] : []), ...started, ...(what === 'letter' ? awaited : [])]
  })
  return formats.length === 0 ? [null] : formats
}
