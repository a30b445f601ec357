/** A record as each workflow reads it: in the format of its own, or as the record says. Once for each format. */
import { EngineError } from '../base/error.ts'
import { type Decoded, decode, type Wanted } from '../envelope/decode.ts'
import type { FormatSpec } from '../envelope/format.ts'
import { isRequest } from '../envelope/http.ts'
import type { RawRecord } from '../envelope/record.ts'
import { openedRecord } from '../envelope/sealed-value.ts'
import type { Origin } from '../transaction/ids.ts'
import type { Plan } from '../workflow/plan.ts'
import { triggerOf } from '../workflow/trigger.ts'
import type { ReadingRoom } from './arrival.ts'
import type { Catalogue } from './catalogue.ts'

export interface Decoding {
  /** As what starts it. Throws `EngineError` with what becomes that workflow's dead letter. */
  started(plan: Plan): Decoded
  /** As an event that it waits for. */
  awaited(plan: Plan): Decoded
}

/** Throws `EngineError` when nobody can read it. */
export function decodingOf(
  record: RawRecord,
  { origin }: { readonly origin: Omit<Origin, 'workflow'> },
  room: ReadingRoom,
): Decoding {
  const { topic, partition, offset } = origin
  const values = record.prepared?.values
  const shown = visible(openedRecord(record, room.sealer), topic, room.catalogue)
  const read = (wanted: Wanted) => decode(shown, `${topic}/${partition}/${offset}`, room.valueBytesMax, wanted)
  const byFormat = new Map<string, Decoded | EngineError>()
  const as = ({ version }: Plan, format: FormatSpec | null) => {
    const value = values?.get(version)
    return value === undefined ? once(byFormat, format, read) : read({ format, value })
  }
  if (!hasOwnFormats(topic, room.catalogue) && (values === undefined || values.size === 0)) once(byFormat, null, read)
  return {
    started: (plan) => as(plan, triggerOf(plan, topic, plan.on.http !== null && isRequest(record))?.format ?? null),
    awaited: (plan) => as(plan, plan.signals.find((each) => each.topic === topic)?.format ?? null),
  }
}

/** What cannot be read in a format is so for everybody who reads it so. */
function once(
  known: Map<string, Decoded | EngineError>,
  format: FormatSpec | null,
  read: (wanted: Wanted) => Decoded,
): Decoded {
  const name = format === null ? '' : JSON.stringify(format)
  const before = known.get(name)
  if (before instanceof EngineError) throw before
  if (before !== undefined) return before
  try {
    const decoded = read({ format })
    known.set(name, decoded)
    return decoded
  } catch (error) {
    if (error instanceof EngineError) known.set(name, error)
    throw error
  }
}

/** Then what one of them cannot read, another may. */
function hasOwnFormats(topic: string, { byTopic, waitersByTopic }: Catalogue): boolean {
  const isOwn = (format: FormatSpec | null | undefined) => format !== null && format !== undefined
  return (
    (byTopic.get(topic) ?? []).some(({ on }) => isOwn(on.kafka?.format) || isOwn(on.http?.format)) ||
    (waitersByTopic.get(topic) ?? []).some(({ signals }) =>
      signals.some((each) => each.topic === topic && isOwn(each.format)),
    )
  )
}

/** Without credentials in headers of the author's choice; the others are never read. */
function visible(record: RawRecord, topic: string, { credentialsByTopic }: Catalogue): RawRecord {
  const own = credentialsByTopic.get(topic)
  if (own === undefined) return record
  return { ...record, headers: record.headers.filter(({ name }) => !own.has(name.toLowerCase())) }
}
