/**
 * Spans of an author's own, in a worker process: what functions ask of `@opentelemetry/api` is made by OpenTelemetry's SDK and
 * told to the pool, so that no exporter, and no credential of one, is in the process. A file of its own, loaded only where
 * spans are wanted. An attempt that is not sampled makes none.
 */
import { context, propagation, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import type { FunctionSpan } from '../wire.ts'

export * from '@opentelemetry/api'

export interface Tracing {
  /** Runs an attempt as a part of this trace, if that is sampled. */
  within<Result>(traceparent: string, run: () => Result): Result
  /** Sends what is not sent yet. */
  flush(): void
}

/** `send` takes JSON text: a list of `FunctionSpan`; and how many there was no room for. */
export function startTracing(bytesMax: number, send: (spans: string, dropped: number) => void): Tracing {
  const pile = new Pile(bytesMax, send)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  const sampler = new ParentBasedSampler({ root: new AlwaysOffSampler() })
  trace.setGlobalTracerProvider(new BasicTracerProvider({ sampler, spanProcessors: [pile] }))
  return { within, flush: () => pile.flush() }
}

function within<Result>(traceparent: string, run: () => Result): Result {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-')
  if (!flags.endsWith('1')) return run()
  const parent = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true }
  return context.with(trace.setSpanContext(ROOT_CONTEXT, parent), run)
}

/** What ends in one turn of the loop goes together. */
class Pile implements SpanProcessor {
  readonly #bytesMax: number
  readonly #send: (spans: string, dropped: number) => void
  #texts: string[] = []
  #bytes = 0
  #dropped = 0
  #timer: NodeJS.Immediate | null = null

  constructor(bytesMax: number, send: (spans: string, dropped: number) => void) {
    this.#bytesMax = bytesMax
    this.#send = send
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const text = JSON.stringify(toldOf(span))
    this.#bytes += text.length + 1
    if (this.#bytes + 1 <= this.#bytesMax) this.#texts.push(text)
    else this.#dropped++
    this.#timer ??= setImmediate(() => this.flush())
  }

  flush(): void {
    const texts = this.#texts
    const dropped = this.#dropped
    if (this.#timer !== null) clearImmediate(this.#timer)
    this.#timer = null
    this.#texts = []
    this.#bytes = 0
    this.#dropped = 0
    if (texts.length + dropped > 0) this.#send(`[${texts.join(',')}]`, dropped)
  }

  async forceFlush(): Promise<void> {
    this.flush()
  }

  async shutdown(): Promise<void> {}
}

function toldOf(span: ReadableSpan): FunctionSpan {
  const { traceId, spanId } = span.spanContext()
  const { name, kind, startTime, endTime, status, attributes, events, links, instrumentationScope: scope } = span
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? null,
    name,
    kind,
    start: startTime,
    end: endTime,
    status,
    attributes,
    events: events.map((each) => ({ name: each.name, time: each.time, attributes: each.attributes ?? {} })),
    links: links.map(({ context: to, attributes: own = {} }) => {
      return { traceId: to.traceId, spanId: to.spanId, attributes: own }
    }),
    scope: { name: scope.name, version: scope.version ?? null },
  }
}
