/**
 * The viewers' players, with an ordinary consumer and producer that know nothing of the engine: they hear where their film is,
 * show it (in no time), and say how much was watched when they are closed. Some are never closed.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Consumer, type IHeaders, Kafka, logLevel, type Message, Partitioners, type Producer } from 'kafkajs'
import { z } from 'zod'
import type { DemoRequest } from './world/requests.ts'

export const locations = 'video.locations'
export const teardowns = 'video.teardown'

/** Between the film's beginning and its end, at most: as long as a demo may take for it. */
const filmMsMax = 1000
const againMs = 300

const locationSchema = z.object({ request: z.string(), session: z.string() })

/** Where they hear, and where they speak. */
export interface Topics {
  readonly locations: string
  readonly teardowns: string
  /** Of a Kafka that goes away on purpose there is nothing to be said. */
  readonly quiet?: boolean
}

export class Viewers {
  readonly #requests: ReadonlyMap<string, DemoRequest>
  readonly #consumer: Consumer
  readonly #producer: Producer
  readonly #watching = new Set<Promise<void>>()
  readonly #over = new AbortController()
  readonly #topics: Topics
  #heard = 0
  #traced = 0

  constructor(
    brokers: readonly string[],
    requests: readonly DemoRequest[],
    run: string,
    topics: Topics = { locations, teardowns },
  ) {
    this.#topics = topics
    setMaxListeners(0, this.#over.signal) // every viewer that watches listens
    this.#requests = new Map(requests.map((request) => [request.id, request]))
    const kafka = new Kafka({
      clientId: 'video-players',
      brokers: [...brokers],
      logLevel: topics.quiet ? logLevel.NOTHING : logLevel.ERROR,
    })
    this.#consumer = kafka.consumer({ groupId: `video-players-${run}` })
    this.#producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  }

  /** Of the locations heard, how many are of the trace of the request that asked for them. */
  get traces(): { readonly heard: number; readonly traced: number } {
    return { heard: this.#heard, traced: this.#traced }
  }

  async start(): Promise<void> {
    await this.#producer.connect()
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topic: this.#topics.locations, fromBeginning: true })
    await this.#consumer.run({ eachMessage: async ({ message }) => this.#hear(message.value, message.headers) })
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#consumer.disconnect()
    await Promise.all(this.#watching)
    await this.#producer.disconnect()
  }

  /** Of another run there may be some, too. */
  #hear(value: Buffer | null, headers: IHeaders = {}): void {
    const { request: id, session } = locationSchema.parse(JSON.parse(String(value)))
    const request = this.#requests.get(id)
    if (request === undefined) return
    this.#heard++
    if (traceIdOf(headers.traceparent) === traceIdOf(request.headers.traceparent)) this.#traced++
    if (request.viewing.watchedSeconds === null) return
    const watching = this.#watch(session, request.viewing.watchedSeconds).finally(() => this.#watching.delete(watching))
    this.#watching.add(watching)
  }

  async #watch(session: string, watchedSeconds: number): Promise<void> {
    await sleep(Math.random() * filmMsMax, undefined, { signal: this.#over.signal }).catch(() => undefined)
    if (this.#over.signal.aborted) return
    const headers = {
      ce_specversion: '1.0',
      ce_id: `end-${session}`,
      ce_type: 'video.teardown',
      ce_source: 'https://player.example',
      ce_time: new Date().toISOString(),
      'content-type': 'application/json',
    }
    const value = JSON.stringify({ session, watched_seconds: watchedSeconds })
    await this.#say({ key: session, value, headers })
  }

  /** Again and again while Kafka is away: who has closed the player counts on it. */
  async #say(message: Message): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        await this.#producer.send({ topic: this.#topics.teardowns, acks: -1, messages: [message] })
        return
      } catch {
        await sleep(againMs, undefined, { signal: this.#over.signal }).catch(() => undefined)
      }
    }
  }
}

/** The second part of `00-<trace>-<span>-01`. */
function traceIdOf(traceparent: unknown): string | undefined {
  return traceparent === undefined ? undefined : String(traceparent).split('-')[1]
}
