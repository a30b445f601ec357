/** The HTTP door of one engine: where its faces are checked against those of Kafka and the ledger, and when it is open. */
import { readFileSync, statSync } from 'node:fs'
import { type DoorOptions, Door as HttpDoor } from './api/door.ts'
import type { Gates, Preparer } from './api/ports.ts'
import type { TlsOptions } from './api/server.ts'
import { EngineError, messageOf } from './base/error.ts'
import type { Config } from './config.ts'
import { createSealer } from './envelope/seal.ts'
import { createClient } from './intake/client.ts'
import { Topics } from './intake/topics.ts'
import { kafkaSettings } from './kafka-settings.ts'
import { openDoorLedger } from './ledger/door/open.ts'
import { DirectProducer } from './outbox/direct.ts'
import { defaultDirectLimits } from './outbox/direct-limits.ts'
import { publish } from './telemetry/channels.ts'
import type { Traces } from './telemetry/trace/traces.ts'
import type { Plan } from './workflow/plan.ts'

export interface EngineDoorParts {
  readonly config: Config
  readonly databaseUrl: string
  readonly gates: Gates
  readonly preparer: Preparer | null
  /** Kafka's id of the topic. */
  readonly incarnation: (topic: string) => Promise<string>
  readonly traces: Traces | null
}

/** Topics are made anew by nobody but a person: their ids are believed for so long, in milliseconds. */
const incarnationMs = 30_000
/** The files of the certificate are looked at this often, in milliseconds. */
const certificateEveryMs = 10_000
/** Questions of clients share these; commits have connections of their own. */
const connectionsMax = 3

export class EngineDoor {
  readonly #parts: EngineDoorParts
  readonly #incarnations = new Map<string, { id: string; atMs: number }>()
  #opened: { door: HttpDoor; writer: DirectProducer; ledger: ReturnType<typeof openDoorLedger> } | undefined
  #tls: TlsOptions | null = null
  #tick: NodeJS.Timeout | undefined

  constructor(parts: EngineDoorParts) {
    this.#parts = parts
  }

  /** Null: it is not open. */
  get port(): number | null {
    return this.#opened?.door.port ?? null
  }

  /** Opens with the first workflow that asks for it. Throws `EngineError` of Kafka, or of the place where it listens. */
  async setPlans(plans: readonly Plan[]): Promise<void> {
    const topics = [...new Set(plans.flatMap(({ on }) => on.http?.topic ?? []))]
    if (topics.length === 0 && !this.#opened) return
    await this.#makeTopics(topics)
    const isNew = !this.#opened
    this.#opened ??= this.#build()
    this.#opened.door.setPlans(plans)
    if (isNew) await this.#start(this.#opened.door)
  }

  async stop(): Promise<void> {
    const opened = this.#opened
    clearInterval(this.#tick)
    if (!opened) return
    await opened.door.stop()
    await opened.writer.stop()
    await opened.ledger.stop()
  }

  async #start(door: HttpDoor): Promise<void> {
    await door.start()
    if (this.#tls !== null) this.#tick = setInterval(() => this.#renewTls(door), certificateEveryMs).unref()
    const message = `the HTTP door listens on port ${door.port}`
    publish('notice', { level: 'info', message, port: door.port, tls: this.#tls !== null })
  }

  #build() {
    const { config, databaseUrl, gates, preparer, traces } = this.#parts
    const { patience } = defaultDirectLimits
    const client = createClient(kafkaSettings(config), {
      requestTimeout: patience.requestTimeoutMs,
      retry: { initialRetryTime: patience.initialMs, maxRetryTime: patience.maxMs, retries: patience.retries },
    })
    const writer = new DirectProducer(client)
    const ledger = openDoorLedger({
      ...{ databaseUrl, connectionsMax, engine: config.engine },
      answerMsMax: config['postgres.answerTimeout'],
    })
    this.#tls = tlsOf(config)
    const options: DoorOptions = {
      engine: config.engine,
      host: config['door.host'],
      port: config['door.port'],
      tls: this.#tls,
      trustedProxies: config['door.trustedProxies'],
      publicUrl: config['door.url'].replace(/\/+$/, ''),
      corsOrigins: config['door.corsOrigins'],
      valueBytesMax: config['limits.valueBytesMax'],
      ...{ ledger, writer, gates, preparer },
      sealer: config.sealKey === null ? null : createSealer(config.sealKey),
      incarnation: (topic) => this.#incarnation(topic),
      limits: { requestsMax: config['door.requestsMax'] },
      ...(traces !== null && { traces }),
    }
    return { door: new HttpDoor(options), writer, ledger }
  }

  async #incarnation(topic: string): Promise<string> {
    const known = this.#incarnations.get(topic)
    if (known && performance.now() - known.atMs < incarnationMs) return known.id
    const id = await this.#parts.incarnation(topic)
    this.#incarnations.set(topic, { id, atMs: performance.now() })
    return id
  }

  async #makeTopics(topics: readonly string[]): Promise<void> {
    if (topics.length === 0) return
    const { config } = this.#parts
    const admin = new Topics(createClient(kafkaSettings(config)), config['kafka.brokers'].join(','))
    try {
      await admin.connect()
      const made = await admin.create(topics, config['door.topicPartitions'])
      for (const topic of made) publish('notice', { level: 'info', message: `made the topic ${topic}` })
    } finally {
      await admin.disconnect()
    }
  }

  /** A file that cannot be read for the moment leaves the certificate as it is. */
  #renewTls(door: HttpDoor): void {
    try {
      const tls = tlsOf(this.#parts.config)
      if (tls === null || JSON.stringify(tls) === JSON.stringify(this.#tls)) return
      door.setTls(tls)
      this.#tls = tls
      publish('notice', { level: 'info', message: 'the HTTP door has a new certificate' })
    } catch (error) {
      publish('notice', { level: 'warn', message: `the HTTP door keeps its certificate: ${messageOf(error)}` })
    }
  }
}

/** Throws `EngineError` `config_invalid`. */
function tlsOf(config: Config): TlsOptions | null {
  const cert = pem(config, 'door.tlsCertFile')
  const key = pem(config, 'door.tlsKeyFile')
  const clientCa = pem(config, 'door.clientCaFile')
  if (cert !== null && key !== null) return { cert, key, clientCa }
  if (cert === null && key === null && clientCa === null) return null
  const message =
    'MILLRACE_DOOR_TLS_CERT_FILE and MILLRACE_DOOR_TLS_KEY_FILE are set together, and with the authorities of clients'
  throw new EngineError('config_invalid', message)
}

function pem(config: Config, name: 'door.tlsCertFile' | 'door.tlsKeyFile' | 'door.clientCaFile'): string | null {
  const file = config[name]
  if (file === null) return null
  try {
    return statSync(file).isFile() ? readFileSync(file, 'utf8') : null
  } catch (cause) {
    throw new EngineError('config_invalid', `${name}: ${messageOf(cause)}`, { cause })
  }
}
