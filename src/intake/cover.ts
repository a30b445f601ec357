/**
 * What the messages of one fetch cover, offset by offset. kafkajs filters by itself, but says nothing of what it left
 * out, and takes up only one aborted transaction a message: of two that overlap, records of the second slip through.
 */
import type { Missing } from './partition.ts'

/** A message as kafkajs decodes it, before any filter. */
export interface Message {
  readonly offset: string
  readonly key: Buffer | null
  /** Missing in Kafka's formats before 0.11. */
  readonly batchContext?: {
    readonly firstOffset: string
    readonly lastOffsetDelta: number
    readonly producerId: string
    readonly inTransaction: boolean
    readonly isControlBatch: boolean
  }
}

export interface AbortedTransaction {
  readonly producerId: string
  readonly firstOffset: string
}

export interface Covered<M extends Message> {
  /** Those that are records for us, from the position on. */
  readonly messages: readonly M[]
  readonly missing: readonly Missing[]
  readonly nextOffset: number
}

/** `messages` may begin before the position, as a compressed batch does. */
export function cover<M extends Message>(
  position: number,
  messages: readonly M[],
  aborted: readonly AbortedTransaction[],
): Covered<M> {
  const reasonOf = judge(aborted)
  const records: M[] = []
  const missing: Missing[] = []
  let next = position
  let end = position
  let batch: Message['batchContext']
  for (const message of messages) {
    if (!batch || message.batchContext !== batch) end = Math.max(end, endOf(message))
    batch = message.batchContext
    const offset = Number(message.offset)
    const reason = reasonOf(message, offset)
    if (offset < next) continue
    if (offset > next) add(missing, next, offset - 1, 'compacted')
    if (reason === null) records.push(message)
    else add(missing, offset, offset, reason)
    next = offset + 1
  }
  if (end > next) add(missing, next, end - 1, 'compacted')
  return { messages: records, missing, nextOffset: end }
}

/** Why a message is none for us; to be asked in order. Brokers list aborted transactions by their end. */
function judge(aborted: readonly AbortedTransaction[]): (message: Message, offset: number) => Missing['reason'] | null {
  const coming = aborted.map(({ producerId, firstOffset }) => ({ producerId, firstOffset: Number(firstOffset) }))
  coming.sort((a, b) => b.firstOffset - a.firstOffset)
  const open = new Set<string>()
  return ({ key, batchContext: batch }, offset) => {
    for (let next = coming.at(-1); next && next.firstOffset <= offset; next = coming.at(-1)) {
      open.add(next.producerId)
      coming.pop()
    }
    if (!batch) return null
    if (!batch.isControlBatch) return batch.inTransaction && open.has(batch.producerId) ? 'aborted' : null
    if (key && key.readInt16BE(2) === abortMarker) open.delete(batch.producerId)
    return 'control'
  }
}

/** A control record's key is a version and a type: 0 ends a transaction by abort, 1 by commit. */
const abortMarker = 0

/** A batch keeps its last offset when compaction takes its last records. */
function endOf({ offset, batchContext: batch }: Message): number {
  return batch ? Number(batch.firstOffset) + batch.lastOffsetDelta + 1 : Number(offset) + 1
}

function add(missing: Missing[], fromOffset: number, toOffset: number, reason: Missing['reason']): void {
  const last = missing.at(-1)
  if (last?.reason !== reason || last.toOffset + 1 !== fromOffset) missing.push({ fromOffset, toOffset, reason })
  else missing[missing.length - 1] = { ...last, toOffset }
}
