/**
 * The HTTP door: requests become records of Kafka before anything is answered, and come back from there like any other event. It
 * decides nothing about transactions. Routes follow the workflow files without a connection being dropped.
 */
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../base/error.ts'
import type { Sealer } from '../envelope/seal.ts'
import { publish, subscribe } from '../telemetry/channels.ts'
import { handedOn, type Traces } from '../telemetry/trace/traces.ts'
import type { Plan } from '../workflow/plan.ts'
import { Acceptance } from './accept.ts'
import { atOf, idOf } from './address.ts'
import { Answers } from './answer.ts'
import { Proxies } from './caller.ts'
import { Callers } from './callers.ts'
import { Ended } from './ended.ts'
import { FullTopics } from './full.ts'
import { type DoorLimits, defaultDoorLimits } from './limits.ts'
import { Once } from './once.ts'
import { openApi } from './openapi.ts'
import type { DoorLedger, Gates, Preparer, Writer } from './ports.ts'
import { type Problem, problemOf, refuse } from './problem.ts'
import { Rates } from './rate.ts'
import { sendJson, sendProblem } from './reply.ts'
import { Requests } from './requests.ts'
import { Routes } from './routes.ts'
import { listen, newServer, renewTls, type TlsOptions } from './server.ts'
import { type Snapshot, Statuses } from './status.ts'
import { stream } from './stream.ts'
import { headerTwice } from './twice.ts'
import { Watch } from './watch.ts'

export interface DoorOptions {
  readonly engine: string
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Null: plain HTTP. */
  readonly tls: TlsOptions | null
  readonly trustedProxies: readonly string[]
  readonly publicUrl: string
  /** Web pages of these origins may read what is answered; `*`: all. */
  readonly corsOrigins: readonly string[]
  readonly valueBytesMax: number
  readonly ledger: DoorLedger
  readonly writer: Writer
  /** Null: there is no seal key. */
  readonly sealer: Sealer | null
  readonly gates: Gates
  /** Null: nothing takes time to find out. */
  readonly preparer: Preparer | null
  readonly incarnation: (topic: string) => Promise<string>
  /** Without it, traces are handed on as they come. */
  readonly traces?: Traces
  readonly limits?: Partial<DoorLimits>
}

export class Door {
  readonly #options: DoorOptions
  readonly #limits: DoorLimits
  readonly #app: FastifyInstance
  readonly #watch: Watch
  readonly #ended = new Ended()
  readonly #closing = new AbortController()
  readonly #statuses: Statuses
  readonly #requests: Requests
  #routes = new Routes([])
  #underWay = 0
  #unsubscribe: () => void = () => undefined
  #stopped: Promise<void> | undefined

  constructor(options: DoorOptions) {
    this.#options = options
    const limits = { ...defaultDoorLimits, ...options.limits }
    this.#limits = limits
    const { engine, ledger, writer, gates, incarnation } = options
    this.#watch = new Watch(ledger, limits)
    const routes = () => this.#routes
    const callers = new Callers({
      gates,
      rates: new Rates(limits.callersMax),
      proxies: new Proxies(options.trustedProxies),
    })
    const answers = new Answers(ledger, limits.askedMax)
    const once = new Once(engine, ledger, limits)
    const acceptance = new Acceptance({ ...options, once, watch: this.#watch })
    const full = new FullTopics(ledger)
    const { publicUrl } = options
    this.#requests = new Requests({
      ...{ routes, callers, acceptance, answers, watch: this.#watch, full, writer, limits, publicUrl },
      traces: options.traces ?? handedOn,
    })
    this.#statuses = new Statuses({ engine, ledger, answers, callers, routes, incarnation, askedMax: limits.askedMax })
    this.#app = this.#build()
  }

  /** Where it listens; 0 before it does. */
  get port(): number {
    return (this.#app.server.address() as AddressInfo | null)?.port ?? 0
  }

  /** Throws `EngineError` `port_in_use` or `cannot_listen`. */
  async start(): Promise<void> {
    const { host, port } = this.#options
    this.#unsubscribe = subscribe('ended', ({ transactionId }) => {
      this.#watch.nudge(transactionId)
      this.#ended.nudge(transactionId)
    })
    await listen(this.#app, host, port)
  }

  setPlans(plans: readonly Plan[]): void {
    this.#routes = new Routes(plans)
  }

  /** New connections get the new certificate; those that are there stay. */
  setTls(tls: TlsOptions): void {
    renewTls(this.#app, tls)
  }

  /** Takes nothing new; who waits for a result is told where it will be. What was accepted is in Kafka. Twice is safe. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    this.#unsubscribe()
    this.#watch.stop()
    this.#closing.abort()
    await Promise.race([this.#app.close(), sleep(this.#limits.stopMsMax, undefined, { ref: false })])
    this.#app.server.closeAllConnections()
  }

  #build(): FastifyInstance {
    const app = newServer(this.#limits, this.#options.tls)
    app.addHook('onRequest', (request, reply, done) => this.#begin(request, reply, done))
    app.setErrorHandler((error, request, reply) => this.#refuse(error, request, reply))
    app.get('/openapi.json', (_request, reply) =>
      sendJson(reply, 200, openApi(this.#routes.all, this.#options.publicUrl)),
    )
    app.get('/transactions/:id', (request, reply) => this.#status(request, reply))
    app.setNotFoundHandler((request, reply) => this.#serve(request, reply))
    return app
  }

  /** A browser asks before it sends what a page of another origin wants to send. */
  #serve(request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> {
    if (request.method !== 'OPTIONS') return this.#requests.serve(request, reply)
    const headers = 'content-type, authorization, idempotency-key, last-event-id, traceparent, tracestate, x-api-key'
    const asked = request.headers['access-control-request-headers'] ?? headers
    if (reply.hasHeader('access-control-allow-origin')) {
      reply.header('access-control-allow-methods', 'GET, POST, PUT').header('access-control-allow-headers', asked)
      reply.header('access-control-max-age', '600')
    }
    return reply.code(204).send()
  }

  #begin(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const startedMs = performance.now()
    this.#underWay++
    reply.raw.once('close', () => {
      this.#underWay--
      const { statusCode: status } = reply.raw
      publish('answered', { method: request.method, status, durationMs: performance.now() - startedMs })
    })
    this.#allowOrigin(request, reply)
    done(this.#refusal(request.raw))
  }

  #refusal({ rawHeaders, url, httpVersion }: IncomingMessage): Error | undefined {
    const { headersMax, urlCharsMax, requestsMax } = this.#limits
    if (rawHeaders.length / 2 > headersMax)
      return refuse(431, 'too_many_headers', `at most ${headersMax} headers are taken`)
    if (httpVersion !== '1.1' && httpVersion !== '1.0') return refuse(505, 'http_version', 'HTTP/1.1 is spoken here')
    const twice = headerTwice(rawHeaders)
    if (twice !== null) return refuse(400, 'header_twice', `${twice} may be there once`)
    if ((url?.length ?? 0) > urlCharsMax)
      return refuse(414, 'url_too_long', `at most ${urlCharsMax} characters are taken`)
    // Those who wait for a result hold nothing but a connection.
    if (this.#underWay - this.#watch.size <= requestsMax) return undefined
    return refuse(503, 'door_busy', 'too many requests are under way', { retryAfterS: 1 })
  }

  #allowOrigin(request: FastifyRequest, reply: FastifyReply): void {
    const { origin } = request.headers
    const { corsOrigins } = this.#options
    if (origin === undefined || !(corsOrigins.includes('*') || corsOrigins.includes(origin))) return
    reply.header('access-control-allow-origin', origin).header('vary', 'origin')
    reply.header('access-control-expose-headers', 'location, content-location, retry-after, idempotency-replayed')
  }

  #refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const problem = problemOf(error) ?? frameworkProblem(error)
    if (problem) return sendProblem(reply, problem)
    publish('notice', {
      level: 'error',
      message: `the HTTP door: ${messageOf(error)}`,
      path: request.url.split('?')[0],
    })
    return sendProblem(reply, { status: 500, code: 'internal' })
  }

  async #status(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { id: asked } = request.params as { id?: string }
    const id = idOf(asked)
    if (id === null) throw refuse(404, 'no_transaction', 'there is no such transaction, or it is not yours')
    const look = await this.#statuses.open(id, atOf((request.query as { at?: unknown }).at), request.raw)
    const first = await look()
    if (!wantsStream(request.headers.accept)) return sendJson(reply, 200, first.body)
    return this.#stream(request, reply, id, first, look)
  }

  async #stream(
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    first: Snapshot,
    look: () => Promise<Snapshot>,
  ): Promise<FastifyReply> {
    if (this.#watch.isFull) throw refuse(503, 'door_busy', 'too many are waiting', { retryAfterS: 5 })
    const gone = new AbortController()
    const signal = AbortSignal.any([gone.signal, this.#closing.signal])
    const seen = request.headers['last-event-id']
    reply.hijack()
    reply.raw.once('close', () => gone.abort())
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value)
    await this.#watch.holding(() =>
      stream(reply.raw, first, {
        look,
        seen: typeof seen === 'string' ? seen : null,
        limits: this.#limits,
        signal,
        nudged: (msMax) => this.#ended.next(id, msMax, signal),
      }),
    )
    return reply
  }
}

function wantsStream(accept: string | undefined): boolean {
  return accept?.split(',').some((each) => each.trim().toLowerCase().startsWith('text/event-stream')) ?? false
}

/** What fastify itself refuses. */
function frameworkProblem(error: unknown): Problem | null {
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' && status >= 400 && status < 500 ? { status, code: 'bad_request' } : null
}
