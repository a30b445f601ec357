/** The outbox's statements: what src/ledger/outbox.ts says in SQL. Each looks at the lane's fence itself. */
import type { HeldLane, OutboxBite, OutboxLedger, OutboxLetter, OutboxMessage } from '../../../src/coordinator/ports.ts'
import type { Ask } from './statements.ts'
import type { StoredLane, StoredLetter, StoredMessage, Tables } from './tables.ts'

export function outboxLedgerOf(tables: Tables, ask: Ask): OutboxLedger {
  return {
    outboxPlace(held, seq) {
      const { laneId, epoch } = held
      return ask({
        name: 'place',
        about: `${laneId}:${epoch}`,
        act: () => withLane(tables, { laneId, epoch }, (lane) => placeOf(lane, seq)),
      })
    },
    unpublished(held, afterSeq, most) {
      const { laneId, epoch } = held
      const act = () => withLane(tables, { laneId, epoch }, (lane) => bite(tables, lane, afterSeq, most))
      return ask({ name: 'unpublished', about: `${laneId}:${epoch} after ${afterSeq}`, act })
    },
    async markPublished(held, seq) {
      const { laneId, epoch } = held
      const act = () => withLane(tables, { laneId, epoch }, (lane) => mark(lane, seq))
      const locks = () => [`lane ${laneId}`]
      return (await ask({ name: 'mark', about: `${laneId}:${epoch} ${seq}`, locks, act })) !== null
    },
    async refuseMessage(held, seq, error) {
      const { laneId, epoch } = held
      const act = () => withLane(tables, { laneId, epoch }, (lane) => refuse(lane, seq, error))
      const locks = () => [`lane ${laneId}`]
      return (await ask({ name: 'refuse', about: `${laneId}:${epoch} ${seq}`, locks, act })) === true
    },
  }
}

function withLane<T>(tables: Tables, { laneId, epoch }: HeldLane, act: (lane: StoredLane) => T): T | null {
  const lane = tables.lane(laneId)
  return lane.epoch === epoch ? act(lane) : null
}

function placeOf({ publishedSeq, messages }: StoredLane, seq: number) {
  return { publishedSeq, id: messages.find((message) => message.seq === seq)?.id ?? null }
}

function bite(tables: Tables, { messages }: StoredLane, afterSeq: number, most: OutboxBite): OutboxMessage[] {
  const taken: OutboxMessage[] = []
  let bytes = 0
  for (const message of messages) {
    if (message.seq <= afterSeq) continue
    const waiting = waitingOf(tables, message)
    bytes += (waiting.value?.length ?? 0) + waiting.headers.length
    if (taken.length === most.rows || (taken.length > 0 && bytes > most.bytes)) break
    taken.push(waiting)
  }
  return taken
}

function waitingOf(
  tables: Tables,
  { laneId: _, step: __, n: ___, deadLetterId, ...message }: StoredMessage,
): OutboxMessage {
  if (deadLetterId === null) return { ...message, letter: null }
  const letter = tables.letters.get(deadLetterId)
  if (!letter) return { ...message, error: 'the dead letter that it is a copy of is not in the ledger', letter: null }
  const { key, value, headers } = letter
  return { ...message, key, value, headers, letter: letterOf(tables, letter) }
}

function letterOf(tables: Tables, { id, sealed, code, reason, laneId, offset }: StoredLetter): OutboxLetter {
  const { topic, partition } = tables.lane(laneId)
  return { id, sealed, code, reason, topic, partition, offset }
}

function mark(lane: StoredLane, seq: number): true {
  lane.publishedSeq = Math.max(lane.publishedSeq, seq)
  return true
}

function refuse({ messages }: StoredLane, seq: number, error: string): boolean {
  const message = messages.find((each) => each.seq === seq)
  if (message) message.error = error
  return message !== undefined
}
