/** Publishes at a pace while the faults go on. What may not have arrived is sent again: Kafka's copy is the truth. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, type Message, Partitioners, type Producer, type TopicMessages } from 'kafkajs'

export interface PublisherOptions {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly perSecond: number
  /** The messages of the n-th event. */
  readonly make: (n: number) => readonly Message[]
  /** What goes to other topics along with the n-th event. */
  readonly beside?: (n: number) => readonly TopicMessages[]
  /** And what when the last one is out. */
  readonly behind?: (published: number) => readonly TopicMessages[]
}

const everyMs = 100

export class Publisher {
  readonly #options: PublisherOptions
  readonly #producer: Producer
  readonly #stopping = new AbortController()
  #loop: Promise<void> | undefined
  #gate: Promise<void> = Promise.resolve()
  #sending: Promise<void> = Promise.resolve()
  #published = 0
  #most = Number.POSITIVE_INFINITY

  constructor(options: PublisherOptions) {
    this.#options = options
    const kafka = new Kafka({ brokers: [...options.brokers], logLevel: logLevel.NOTHING, retry: { retries: 3 } })
    this.#producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, metadataMaxAge: 3000 })
  }

  get published(): number {
    return this.#published
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  /** Goes on until at least `count` events are out. */
  async finish(count: number): Promise<void> {
    this.start()
    this.#most = Math.max(count, this.#published)
    await this.#loop
  }

  /** Nothing is published while this is done. */
  async whileQuiet(act: () => Promise<void>): Promise<void> {
    let open = () => {}
    this.#gate = new Promise((resolve) => (open = resolve))
    await this.#sending
    await act().finally(open)
  }

  async beside(messages: readonly TopicMessages[]): Promise<void> {
    await this.#insist(() => this.#producer.sendBatch({ acks: -1, topicMessages: [...messages] }))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop?.catch(() => undefined)
    await this.#producer.disconnect().catch(() => undefined)
  }

  async #run(): Promise<void> {
    const batch = Math.max(1, Math.round((this.#options.perSecond * everyMs) / 1000))
    await this.#insist(() => this.#producer.connect())
    while (!this.#stopping.signal.aborted && this.#published < this.#most) {
      await this.#gate
      const count = Math.min(batch, this.#most - this.#published)
      const numbers = Array.from({ length: count }, (_, at) => this.#published + at)
      this.#sending = this.#send(numbers)
      await this.#sending
      this.#published += count
      await sleep(everyMs)
    }
    const topicMessages = [...(this.#options.behind?.(this.#published) ?? [])]
    if (topicMessages.length > 0) await this.#insist(() => this.#producer.sendBatch({ acks: -1, topicMessages }))
  }

  async #send(numbers: readonly number[]): Promise<void> {
    const { topic, make, beside = () => [] } = this.#options
    const topicMessages = [{ topic, messages: numbers.flatMap(make) }, ...numbers.flatMap(beside)]
    await this.#insist(() => this.#producer.sendBatch({ acks: -1, topicMessages }))
  }

  async #insist(act: () => Promise<unknown>): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await act()
        return
      } catch {
        await sleep(200)
      }
    }
  }
}
