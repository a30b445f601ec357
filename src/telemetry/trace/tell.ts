/** Listens to what becomes durable and gives the exporter the spans of it; and, for each commit with some of them, one that links to them. */
import { randomBytes } from 'node:crypto'
import { type Link, SpanKind } from '@opentelemetry/api'
import type { resources } from '@opentelemetry/sdk-node'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { type Facts, subscribe } from '../channels.ts'
import { attributes as name } from '../names.ts'
import { functionSpans } from './function-spans.ts'
import { contextOf, spanOf, type Told } from './span.ts'
import { sentSpan, servedSpan, spansOf } from './spans.ts'
import type { OwnTraces } from './traces.ts'

/** More says nothing to whoever looks at a commit. */
const linksMax = 128

export interface Telling {
  stop(): void
}

export function tellSpans(
  traces: OwnTraces,
  resource: resources.Resource,
  give: (span: ReadableSpan) => void,
): Telling {
  const tell = (told: Told) => give(spanOf(told, resource))
  const commits = new Commits(tell)
  const stops = [
    subscribe('commit', (fact) => commits.begin(fact)),
    subscribe('durable', (fact) => {
      for (const each of fact) {
        for (const span of spansOf(each, traces)) {
          tell(span)
          commits.hold(span)
        }
      }
    }),
    subscribe('published', ({ batch, durationMs }) => {
      const untilUs = Date.now() * 1000
      for (const message of batch) {
        const span = sentSpan(message, untilUs - durationMs * 1000, untilUs)
        if (span !== null) tell(span)
      }
    }),
    subscribe('served', (fact) => tell(servedSpan(fact))),
    subscribe('function.spans', ({ text }) => {
      for (const span of functionSpans(text, resource)) give(span)
    }),
  ]
  const stop = () => {
    commits.end()
    for (const each of stops) each()
  }
  return { stop }
}

/** A commit is of no trace: it has one of its own, with links to what was in it. */
class Commits {
  readonly #tell: (told: Told) => void
  #fact: Facts['commit'] | null = null
  #endUs = 0
  #links: Link[] = []

  constructor(tell: (told: Told) => void) {
    this.#tell = tell
  }

  /** It has returned; what it made durable is told next. */
  begin(fact: Facts['commit']): void {
    this.end()
    this.#fact = fact
    this.#endUs = Date.now() * 1000
  }

  hold({ traceId, spanId }: Told): void {
    if (this.#links.length < linksMax) this.#links.push({ context: contextOf(traceId, spanId) })
  }

  end(): void {
    const fact = this.#fact
    const links = this.#links
    this.#fact = null
    this.#links = []
    if (fact === null || links.length === 0) return
    this.#tell({
      traceId: randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      parentId: null,
      name: 'commit',
      kind: SpanKind.INTERNAL,
      startUs: this.#endUs - fact.durationMs * 1000,
      endUs: this.#endUs,
      attributes: { [name.events]: fact.events, [name.rows]: fact.rows, [name.lanes]: fact.lanes },
      links,
    })
  }
}
