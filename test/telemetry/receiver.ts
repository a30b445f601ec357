/** An OTLP receiver over HTTP: reads protobuf and JSON. What it cannot read it answers with 400, and keeps as a fault. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { until } from '../../src/base/poll.ts'
import { atEnd } from '../support/at-end.ts'
import { otlpRequests } from './otlp.ts'

export interface SeenSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | null
  readonly name: string
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number
  readonly startUs: number
  readonly endUs: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly events: readonly string[]
  readonly error: string | null
  readonly isError: boolean
  readonly scope: string
  readonly resource: Readonly<Record<string, unknown>>
}

export interface SeenPoint {
  readonly name: string
  readonly unit: string
  readonly kind: 'sum' | 'gauge' | 'histogram'
  readonly attributes: Readonly<Record<string, unknown>>
  /** Of a histogram its sum. */
  readonly value: number
  /** Of a histogram. */
  readonly count: number
}

export interface Receiver {
  readonly url: string
  readonly spans: SeenSpan[]
  /** Those of the last export. */
  readonly points: readonly SeenPoint[]
  readonly faults: string[]
  readonly contentTypes: ReadonlySet<string>
  readonly headers: readonly IncomingMessage['headers'][]
  until(what: string, holds: (spans: readonly SeenSpan[]) => boolean, forMs?: number): Promise<void>
}

export async function freshReceiver(): Promise<Receiver> {
  const spans: SeenSpan[] = []
  const faults: string[] = []
  const contentTypes = new Set<string>()
  const headers: IncomingMessage['headers'][] = []
  const seen = { points: [] as SeenPoint[] }
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const type = request.headers['content-type'] ?? ''
    contentTypes.add(type)
    headers.push(request.headers)
    try {
      const said = await read(request, type)
      if (request.url === '/v1/traces') spans.push(...spansOf(said))
      else seen.points = pointsOf(said)
      response.writeHead(200, { 'content-type': type }).end(type.includes('json') ? '{}' : Buffer.alloc(0))
    } catch (error) {
      faults.push(String(error))
      response.writeHead(400).end()
    }
  }
  const server = createServer((request, response) => void take(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    get points() {
      return seen.points
    },
    faults,
    contentTypes,
    headers,
    async until(what, holds, forMs = 15_000) {
      try {
        await until(what, async () => holds(spans), { forMs, everyMs: 50 })
      } catch (error) {
        const told = spans.map(({ name, traceId }) => `${traceId.slice(0, 8)} ${name}`).join('\n')
        throw new Error(`${(error as Error).message}; there are:\n${told}\n${faults.join('\n')}`)
      }
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what was decoded by a definition has no type of its own
type Said = Readonly<Record<string, any>>

/** Ids in hex, 64-bit numbers as text: as OTLP's JSON has them. */
async function read(request: IncomingMessage, type: string): Promise<Said> {
  const sent = await buffer(request)
  const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
  const message = otlpRequests[request.url ?? '']
  if (!message) throw new Error(`there is no ${request.url}`)
  if (type === 'application/json') return JSON.parse(bytes.toString('utf8'))
  if (type !== 'application/x-protobuf') throw new Error(`content type ${type}`)
  const options = { longs: String, bytes: String, enums: Number, defaults: true, arrays: true }
  return message.toObject(message.decode(bytes), options)
}

function spansOf(said: Said): SeenSpan[] {
  return said.resourceSpans.flatMap(({ resource, scopeSpans }: Said) =>
    scopeSpans.flatMap(({ scope, spans }: Said) =>
      spans.map((span: Said) => spanOf(span, scope.name, attributesOf(resource.attributes))),
    ),
  )
}

function spanOf(span: Said, scope: string, resource: SeenSpan['resource']): SeenSpan {
  const linkOf = (link: Said) => ({ traceId: idOf(link.traceId, 32), spanId: idOf(link.spanId, 16) })
  return {
    traceId: idOf(span.traceId, 32),
    spanId: idOf(span.spanId, 16),
    parentId: span.parentSpanId ? idOf(span.parentSpanId, 16) : null,
    name: span.name,
    kind: span.kind,
    startUs: Number(BigInt(span.startTimeUnixNano) / 1000n),
    endUs: Number(BigInt(span.endTimeUnixNano) / 1000n),
    attributes: attributesOf(span.attributes),
    links: (span.links ?? []).map(linkOf),
    events: (span.events ?? []).map((event: Said) => event.name),
    error: span.status?.message || null,
    isError: span.status?.code === 2,
    scope,
    resource,
  }
}

/** Hex in JSON, base64 of protobuf's bytes. */
function idOf(text: string, digits: number): string {
  return text.length === digits && /^[0-9a-f]+$/.test(text) ? text : Buffer.from(text, 'base64').toString('hex')
}

function attributesOf(list: readonly Said[] = []): Record<string, unknown> {
  return Object.fromEntries(list.map(({ key, value }) => [key, plainOf(value)]))
}

function plainOf(value: Said): unknown {
  if (value.arrayValue) return value.arrayValue.values.map(plainOf)
  if (value.intValue !== undefined) return Number(value.intValue)
  return value.stringValue ?? value.doubleValue ?? value.boolValue
}

function pointsOf(said: Said): SeenPoint[] {
  const metrics: Said[] = said.resourceMetrics.flatMap(({ scopeMetrics }: Said) =>
    scopeMetrics.flatMap((each: Said) => each.metrics),
  )
  return metrics.flatMap((metric) => {
    const kind = metric.histogram ? 'histogram' : metric.sum ? 'sum' : 'gauge'
    return metric[kind].dataPoints.map((point: Said) => ({
      name: metric.name,
      unit: metric.unit,
      kind,
      attributes: attributesOf(point.attributes),
      value: Number(kind === 'histogram' ? point.sum : (point.asDouble ?? point.asInt)),
      count: Number(point.count ?? 1),
    }))
  })
}
