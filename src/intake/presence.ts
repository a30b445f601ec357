/** Which of the topics we want exist, and whether each is still the one we know: Kafka's id tells. */
import { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import { topicGoneMs } from './settings.ts'
import type { Topics } from './topics.ts'

export interface Look {
  /** To be subscribed to. */
  readonly present: readonly string[]
  /** Those that are others than before under their old names. */
  readonly recreated: readonly string[]
}

export class Presence {
  readonly #topics: Topics
  readonly #ids = new Map<string, string>()
  /** Ids of topics that are gone: a broker that lags behind may still name them. */
  readonly #past = new Set<string>()
  /** Since when each is missing, on the clock of `performance.now()`. */
  readonly #missing = new Map<string, number>()
  #waitedFor = ''

  constructor(topics: Topics) {
    this.#topics = topics
  }

  /** Whether it was there when last looked for. */
  has(topic: string): boolean {
    return !this.#missing.has(topic)
  }

  /** Throws `EngineError` `kafka_outage`. */
  async look(
    wanted: readonly string[],
    subscribed: readonly string[],
    clockMs: () => number = () => performance.now(),
  ): Promise<Look> {
    const ids = await this.#topics.ids(wanted)
    const nowMs = clockMs()
    for (const topic of wanted) {
      if (ids.has(topic)) this.#missing.delete(topic)
      else if (this.has(topic)) this.#missing.set(topic, nowMs)
    }
    const recreated = [...ids].filter(([topic, id]) => this.#isAnother(topic, id)).map(([topic]) => topic)
    const isThere = (topic: string) =>
      ids.has(topic) || (subscribed.includes(topic) && nowMs - (this.#missing.get(topic) ?? nowMs) < topicGoneMs)
    this.#tellMissing(wanted.filter((topic) => !isThere(topic)))
    return { present: wanted.filter(isThere), recreated }
  }

  /** Answers also whether it is another one than before. Throws `kafka_outage`, or `unknown_topic` if it is not there. */
  async incarnation(topic: string): Promise<{ readonly id: string; readonly recreated: boolean }> {
    const answer = (await this.#topics.ids([topic])).get(topic)
    if (answer === undefined) throw new EngineError('unknown_topic', `Kafka has no topic ${topic}`, { retryable: true })
    const recreated = this.#isAnother(topic, answer)
    return { id: this.idOf(topic), recreated }
  }

  /** As last heard; '' if it never was. */
  idOf(topic: string): string {
    return this.#ids.get(topic) ?? ''
  }

  #isAnother(topic: string, id: string): boolean {
    const known = this.idOf(topic)
    if (id === '' || id === known || this.#past.has(id)) return false
    this.#ids.set(topic, id)
    if (known === '') return false
    this.#past.add(known)
    return true
  }

  #tellMissing(missing: readonly string[]): void {
    const lost = missing.filter((topic) => this.#ids.has(topic))
    const never = missing.filter((topic) => !this.#ids.has(topic))
    const text = JSON.stringify([lost, never])
    if (text === this.#waitedFor) return
    this.#waitedFor = text
    if (never.length > 0) this.#tell(`waiting for topics that Kafka does not have yet: ${never.join(', ')}`)
    if (lost.length > 0) this.#tell(`Kafka does not have these topics any more, waiting for them: ${lost.join(', ')}`)
  }

  #tell(message: string): void {
    publish('notice', { level: 'warn', message })
  }
}
