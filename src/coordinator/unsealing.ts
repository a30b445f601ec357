/**
 * What prepares records sees them as their producers meant them: one that is sealed is opened first, and what is found out of it
 * stays with it as it came.
 */
import { EngineError } from '../base/error.ts'
import type { RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { isSealedRecord, openedRecord } from '../envelope/sealed-value.ts'
import type { Preparer } from './ports.ts'

/** `sealer` null: there is no seal key, and nothing that is sealed can be read. */
export function unsealing(preparer: Preparer, sealer: Sealer | null): Preparer {
  const opened = new WeakMap<RawRecord, RawRecord | null>()
  const openedOf = (record: RawRecord): RawRecord | null => {
    if (!isSealedRecord(record)) return record
    const known = opened.has(record) ? opened.get(record) : openedOrNull(record, sealer)
    opened.set(record, known ?? null)
    if (known && record.prepared) known.prepared = record.prepared
    return known ?? null
  }
  return {
    isReady(record, plans, topic) {
      const own = openedOf(record)
      // What cannot be opened is a dead letter, whatever it would need.
      if (own === null) return true
      const isReady = preparer.isReady(own, plans, topic)
      keep(record, own)
      return isReady
    },
    async prepare(record, plans, topic, signal) {
      const own = openedOf(record)
      if (own === null) return
      await preparer.prepare(own, plans, topic, signal)
      keep(record, own)
    },
  }
}

function keep(record: RawRecord, { prepared }: RawRecord): void {
  if (prepared) record.prepared = prepared
}

/** A copy: the same may be looked at by others. */
function openedOrNull(record: RawRecord, sealer: Sealer | null): RawRecord | null {
  try {
    return { ...openedRecord(record, sealer) }
  } catch (error) {
    if (error instanceof EngineError) return null
    throw error
  }
}
