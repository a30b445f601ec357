/**
 * Where the outbox publishes: for each lane a transactional id, whose newest producer fences those before it, and how far
 * it has come by Kafka's own word. A transaction lands as a whole, in one instant, or not at all.
 */
import { EngineError } from '../../../src/base/error.ts'
import type { OutboxLane, OutboxMessage } from '../../../src/coordinator/ports.ts'
import type { Session, Sessions } from '../../../src/outbox/session.ts'
import type { Process } from '../process.ts'
import type { Broker } from './broker.ts'

export interface Published {
  readonly laneId: number
  readonly message: OutboxMessage
}

/** Kafka takes no value that holds this. */
export const unsendable = 'UNSENDABLE'

interface Line {
  epoch: number
  reached: Session['reached']
}

export class Outlet {
  readonly #lines = new Map<number, Line>()
  readonly #onPublished: (published: Published) => void
  /** A topic that is not there for now. */
  missing: string | null = null

  constructor(onPublished: (published: Published) => void) {
    this.#onPublished = onPublished
  }

  take(laneId: number): Line {
    const line = this.#lines.get(laneId) ?? { epoch: 0, reached: null }
    this.#lines.set(laneId, line)
    line.epoch++
    return line
  }

  /** Throws `EngineError` as src/outbox/failure.ts does. */
  land(laneId: number, epoch: number, messages: readonly OutboxMessage[]): void {
    const line = this.#lines.get(laneId)
    if (line?.epoch !== epoch) throw outage('a newer producer has taken its place')
    if (messages.some((message) => message.topic === this.missing)) throw missingTopic(this.missing as string)
    if (messages.some((message) => message.value?.includes(unsendable)))
      throw new EngineError('message_refused', 'Kafka will never take it: INVALID_RECORD')
    for (const message of messages) this.#onPublished({ laneId, message })
    const { seq, id } = messages.at(-1) as OutboxMessage
    line.reached = { seq, id }
  }
}

export function sessionsOf(
  outlet: Outlet,
  broker: Broker,
  process: Process,
  weather: () => { readonly wayUs: number; readonly lostSends: number },
  isReached: () => boolean,
): Sessions {
  const { random } = process.schedule
  const wayUs = () => random.exponential(weather().wayUs)
  const ask = <T>(label: string, act: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      const isLost = random.chance(weather().lostSends)
      const late = isLost && random.chance(0.5) ? random.between(0, 5_000_000) : 0
      const hear = (end: () => void) => void process.hear(wayUs(), `${process.name} hears of ${label}`, end)
      if (isLost) hear(() => reject(outage('request timed out')))
      process.schedule.after(wayUs() + late, `${process.name} ${label}${isLost ? ' (lost)' : ''}`, () => {
        try {
          if (!broker.up || !isReached()) throw outage('no broker answers')
          const value = act()
          if (!isLost) hear(() => resolve(value))
        } catch (error) {
          if (!(error instanceof EngineError)) throw error
          if (!isLost) hear(() => reject(error))
        }
      })
    })
  return {
    async open({ laneId }: OutboxLane): Promise<Session> {
      const { epoch, reached } = await ask(`opens outlet ${laneId}`, () => ({ ...outlet.take(laneId) }))
      return {
        reached,
        send: (messages) => {
          const label = `sends ${laneId}/${messages[0]?.seq}-${messages.at(-1)?.seq}`
          return ask(label, () => outlet.land(laneId, epoch, messages))
        },
        close: async () => undefined,
      }
    },
    stop: async () => undefined,
  }
}

function outage(message: string): EngineError {
  return new EngineError('outbox_outage', `Kafka: ${message}`, { retryable: true })
}

function missingTopic(name: string): EngineError {
  const details = { missing: new Set([name]) }
  return new EngineError('topic_missing', `waiting for topics that Kafka does not have: ${name}`, {
    retryable: true,
    details,
  })
}
