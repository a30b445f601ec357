/** What a process that was given secret fields may not tell: whose they are is not known any more, so none of its words are. */
import type { FunctionSpan } from '../wire.ts'

export const withheld = '(withheld: the process was given secret fields)'

/** Spans of its functions with their times and places, and no word of an author's. */
export function spansWithheld(text: string): string {
  return JSON.stringify(listOf(text).map(withoutWords))
}

function withoutWords({
  traceId,
  spanId,
  parentSpanId,
  kind,
  start,
  end,
  status,
  links,
  scope,
}: FunctionSpan): FunctionSpan {
  return {
    traceId,
    spanId,
    parentSpanId,
    name: withheld,
    kind,
    start,
    end,
    status: { code: status.code },
    attributes: {},
    events: [],
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId, attributes: {} })),
    scope: { name: scope.name, version: scope.version },
  }
}

/** None, where the text is not what our child program writes. */
function listOf(text: string): FunctionSpan[] {
  try {
    const spans = JSON.parse(text) as FunctionSpan[]
    return spans.filter(({ status, links, scope }) => status && Array.isArray(links) && scope)
  } catch {
    return []
  }
}
