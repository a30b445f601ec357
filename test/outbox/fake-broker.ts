/**
 * Kafka as the outbox sees it, in memory: transactions by a lane's producer, which fences every one before it, and the place
 * that is stored with each. It can be told how the next sends end.
 */
import { EngineError } from '../../src/base/error.ts'
import type { OutboxLane, OutboxMessage } from '../../src/coordinator/ports.ts'
import type { Session, Sessions } from '../../src/outbox/session.ts'

/** `unknown_landed`: it is published, and nobody is told so. */
export type SendFault = 'outage' | 'unknown_landed'

export class FakeBroker implements Sessions {
  /** Committed messages, in order. */
  readonly log: OutboxMessage[] = []
  /** How many messages each send was given, and how it ended. */
  readonly sends: string[] = []
  readonly faults: SendFault[] = []
  readonly missing = new Set<string>()
  /** Called before a send takes effect. */
  onSend: () => void | Promise<void> = () => undefined
  readonly #places = new Map<number, { seq: number; id: string }>()
  readonly #epochs = new Map<number, number>()
  isAway = false
  opened = 0

  async open({ laneId }: OutboxLane): Promise<Session> {
    if (this.isAway) throw outage('no broker answers')
    this.opened++
    const epoch = (this.#epochs.get(laneId) ?? 0) + 1
    this.#epochs.set(laneId, epoch)
    return {
      reached: this.#places.get(laneId) ?? null,
      send: (messages) => this.#send(laneId, epoch, messages),
      close: async () => undefined,
    }
  }

  async stop(): Promise<void> {}

  /** Forgets how far lanes are, as Kafka does after some days. */
  expirePlaces(): void {
    this.#places.clear()
  }

  async #send(laneId: number, epoch: number, messages: readonly OutboxMessage[]): Promise<void> {
    await this.onSend()
    const told = (how: string) => void this.sends.push(`${messages.length} ${how}`)
    if (this.#epochs.get(laneId) !== epoch) {
      told('fenced')
      throw outage('the producer is fenced')
    }
    const fault = this.faults.shift()
    const refused = messages.some(({ value }) => (value?.length ?? 0) > valueBytesMax)
    const missing = new Set(messages.map(({ topic }) => topic).filter((topic) => this.missing.has(topic)))
    if (missing.size > 0) {
      told('missing')
      throw new EngineError('topic_missing', 'no such topic', { retryable: true, details: { missing } })
    }
    if (fault === 'outage' || refused) {
      told(refused ? 'refused' : 'outage')
      throw refused ? new EngineError('message_refused', 'too large') : outage('the broker is gone')
    }
    this.log.push(...messages)
    const last = messages.at(-1) as OutboxMessage
    this.#places.set(laneId, { seq: last.seq, id: last.id })
    told(fault ?? 'sent')
    if (fault) throw outage('no answer')
  }
}

/** What this broker takes of one value. */
export const valueBytesMax = 100

function outage(message: string): EngineError {
  return new EngineError('outbox_outage', message, { retryable: true })
}
