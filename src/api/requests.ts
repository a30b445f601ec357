/** One request from its first byte to its answer. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { crashPoint } from '../base/crash-point.ts'
import { EngineError } from '../base/error.ts'
import type { Auth } from '../envelope/auth.ts'
import type { HttpPart } from '../envelope/http.ts'
import { publish } from '../telemetry/channels.ts'
import type { Carried, Traces } from '../telemetry/trace/traces.ts'
import type { Respond } from '../workflow/plan.ts'
import type { Acceptance, Accepted } from './accept.ts'
import { statusUrl } from './address.ts'
import type { Answers } from './answer.ts'
import { readBody } from './body.ts'
import type { Callers } from './callers.ts'
import { eventsOf, type RequestEvent } from './event.ts'
import type { FullTopics } from './full.ts'
import type { DoorLimits } from './limits.ts'
import { digestOf, keyOf } from './once.ts'
import type { Standing, Writer } from './ports.ts'
import { refuse } from './problem.ts'
import { sendJson, sendProblem } from './reply.ts'
import type { Match, Routes } from './routes.ts'
import type { Watch } from './watch.ts'

export interface RequestsParts {
  readonly routes: () => Routes
  readonly callers: Callers
  readonly acceptance: Acceptance
  readonly answers: Answers
  readonly watch: Watch
  readonly full: FullTopics
  readonly writer: Writer
  readonly limits: DoorLimits
  readonly traces: Traces
  /** Of the door as the world sees it; empty: as the client called it. */
  readonly publicUrl: string
}

export class Requests {
  readonly #parts: RequestsParts

  constructor(parts: RequestsParts) {
    this.#parts = parts
  }

  /** Throws `Refusal`, or `EngineError` of an outage. */
  async serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { raw } = request
    const match = this.#parts.routes().match(request.method, raw.url ?? '/')
    this.#checkRoom(match)
    const body = await readBody(raw, match.trigger.bytesMax, this.#parts.limits.bodyMsMax)
    const auth = await this.#parts.callers.admit(match.plan, raw, body, match.trigger.rate)
    const http = httpPart(request, match)
    const { rawHeaders } = raw
    const trace = this.#traceOf(request, reply, match)
    const { events, isBatch } = eventsOf({ http, rawHeaders, body, trace }, this.#parts.limits.batchMax)
    const accepted = await this.#acceptAll(match, events, auth, request, body)
    if (isBatch) return this.#acknowledgeAll(reply, accepted)
    return this.#answer(reply, match, accepted[0] as Accepted)
  }

  /** What its events carry on; null: what it brought. */
  #traceOf(request: FastifyRequest, reply: FastifyReply, { trigger }: Match): Carried | null {
    const { traceparent, tracestate } = request.headers
    const trace = this.#parts.traces.ofRequest(textOf(traceparent), textOf(tracestate))
    if (trace?.isSampled) {
      const { traceId, spanId, parentId } = trace
      const of = { method: request.method, route: trigger.path, traceId, spanId, parentId }
      const fromUs = Math.round((Date.now() - reply.elapsedTime) * 1000)
      const tell = () => publish('served', { ...of, status: reply.raw.statusCode, fromUs, untilUs: Date.now() * 1000 })
      reply.raw.once('close', tell)
    }
    return trace?.headers ?? null
  }

  #checkRoom({ trigger, plan }: Match): void {
    const trouble = this.#parts.writer.trouble
    if (trouble !== null) throw new EngineError('kafka_outage', trouble, { retryable: true })
    const topics = this.#parts.routes().all.map((route) => route.trigger.topic)
    if (!this.#parts.full.has(trigger.topic, topics)) return
    throw refuse(503, 'lanes_full', `too much waits to be done for ${plan.name}`, { retryAfterS: 5 })
  }

  /** All of them are looked at and written beside each other; one that is refused refuses the batch. */
  #acceptAll(
    route: Match,
    events: readonly RequestEvent[],
    auth: Auth | null,
    request: FastifyRequest,
    body: Buffer,
  ): Promise<Accepted[]> {
    const key = keyOf(request.headers['idempotency-key'])
    const digest = key === null ? null : digestOf([request.method, request.raw.url ?? '', ...saidOf(request), body])
    const accept = (event: RequestEvent, at: number) => {
      const once = key === null || digest === null ? null : { key: events.length > 1 ? `${key}/${at}` : key, digest }
      return this.#parts.acceptance.accept({ route, event, auth, once })
    }
    return Promise.all(events.map(accept))
  }

  async #answer(reply: FastifyReply, { trigger }: Match, accepted: Accepted): Promise<FastifyReply> {
    const { respond } = trigger
    const { watch } = this.#parts
    if (respond === null || watch.isFull) return this.#acknowledge(reply, accepted)
    const { id, origin } = accepted
    const gone = goneOf(reply)
    const asked = { id, after: respond.after?.id ?? null, from: origin }
    const seen = await watch.wait(asked, (standing) => isEnough(standing, respond), respond.waitMs, gone)
    if (seen === null) return this.#acknowledge(reply, accepted)
    const headers = { 'content-location': this.#statusOf(seen.id, accepted), ...repeated(accepted) }
    const { standing } = seen
    if (standing.is === 'refused') {
      const detail = 'the request was written and cannot be carried out'
      return sendProblem(reply, { status: respond.failed.status, code: standing.code, detail, headers })
    }
    if (isWell(standing, respond)) {
      return sendJson(reply, respond.status, await this.#parts.answers.of(seen.id, respond), headers)
    }
    return this.#answerFailed(reply, seen.id, standing as Extract<Standing, { is: 'ended' }>, respond, headers)
  }

  async #answerFailed(
    reply: FastifyReply,
    id: string,
    { state, code, message }: Extract<Standing, { is: 'ended' }>,
    respond: Respond,
    headers: Record<string, string>,
  ): Promise<FastifyReply> {
    const error = { code: code ?? state, message: message ?? '' }
    const { status } = respond.failed
    if (respond.failed.with !== null) {
      return sendJson(reply, status, await this.#parts.answers.ofFailed(id, respond, error), headers)
    }
    return sendProblem(reply, { status, code: error.code, detail: `the transaction has ended as ${state}`, headers })
  }

  #acknowledge(reply: FastifyReply, accepted: Accepted): FastifyReply {
    const status = this.#statusOf(accepted.id, accepted)
    const sent = sendJson(reply, 202, { id: accepted.id, status }, { location: status, ...repeated(accepted) })
    crashPoint('door.answered')
    return sent
  }

  #acknowledgeAll(reply: FastifyReply, all: readonly Accepted[]): FastifyReply {
    return sendJson(
      reply,
      202,
      all.map((each) => ({ id: each.id, status: this.#statusOf(each.id, each) })),
    )
  }

  #statusOf(id: string, { origin }: Accepted): string {
    return statusUrl(this.#parts.publicUrl, id, origin)
  }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? undefined : header
}

function repeated({ isRepeated }: Accepted): Record<string, string> {
  return isRepeated ? { 'idempotency-replayed': 'true' } : {}
}

/** A step that has failed for good leads to an ending of its own. */
function isEnough(standing: Standing, { after }: Respond): boolean {
  if (standing.is === 'ended' || standing.is === 'refused') return true
  return standing.is === 'open' && after !== null && isOver(standing.after, after.optional)
}

/** What came of the transaction later takes nothing back of the step that was asked for. */
function isWell(standing: Standing, { after }: Respond): boolean {
  if (standing.is === 'ended' && standing.state === 'completed') return true
  if (standing.is !== 'ended' && standing.is !== 'open') return false
  return after !== null && isOver(standing.after, after.optional)
}

function isOver(state: 'ok' | 'skipped' | 'failed' | null, optional: boolean): boolean {
  return state === 'ok' || state === 'skipped' || (state === 'failed' && optional)
}

/** The client has closed its connection: nobody is there to be answered. */
function goneOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}

function httpPart(request: FastifyRequest, { path }: Match): HttpPart {
  return { method: request.method, path, query: queryOf(request.raw.url ?? '') }
}

function queryOf(url: string): Record<string, string> {
  const at = url.indexOf('?')
  return at < 0 ? {} : Object.fromEntries(new URLSearchParams(url.slice(at + 1)))
}

/** Headers by which one request is another one. */
function saidOf({ headers }: FastifyRequest): string[] {
  const said = Object.entries(headers).filter(([name]) => name === 'content-type' || name.startsWith('ce-'))
  return said.sort().map(([name, value]) => `${name}: ${value}`)
}
