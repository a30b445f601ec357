/**
 * W3C Trace Context, as it comes in headers and goes out in them.
 * Source: https://www.w3.org/TR/trace-context-2/#traceparent-header
 */

export interface TraceParent {
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits: the span that caused it. */
  readonly spanId: string
  readonly isSampled: boolean
}

/** What later versions may add is unknown; a longer one is somebody's joke. */
const charsMax = 256

/** A later version may have more behind these four; what it means is not ours to know. */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Null for what is none: its event then begins a trace of its own. */
export function parseTraceparent(text: string | undefined): TraceParent | null {
  if (text === undefined) return null
  if (text.length > charsMax) return null
  const [, version, traceId = '', spanId = '', flags = '', more] = form.exec(text) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null
  if (traceId === noTrace || spanId === noSpan) return null
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & sampledFlag) !== 0 }
}

export function traceparentOf({ traceId, spanId, isSampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}

const sampledFlag = 1
const noTrace = '0'.repeat(32)
const noSpan = '0'.repeat(16)
