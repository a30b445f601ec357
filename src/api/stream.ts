/** Server-sent events: each state of a transaction as it comes, the last one as `end`. Whoever comes again says what it has seen. */
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringifyJson } from '../envelope/json.ts'
import type { Snapshot } from './status.ts'

export interface StreamLimits {
  readonly streamEveryMs: number
  readonly heartbeatMs: number
  readonly streamMsMax: number
}

export interface Streaming {
  readonly look: () => Promise<Snapshot>
  /** `Last-Event-ID`. */
  readonly seen: string | null
  readonly limits: StreamLimits
  /** The door closes, or the client has gone. */
  readonly signal: AbortSignal
  /** Resolves when there may be something new. */
  readonly nudged: (msMax: number) => Promise<unknown>
}

/** The first look is made, so that what it refuses is refused as any other request. Resolves when the stream is over. */
export async function stream(response: ServerResponse, first: Snapshot, streaming: Streaming): Promise<void> {
  const { look, limits, signal } = streaming
  let seen = streaming.seen
  // A browser comes again by itself unless it is told that there is nothing more.
  if (first.isOver && first.version === seen) {
    response.writeHead(204).end()
    return
  }
  response.writeHead(200, headers)
  response.flushHeaders()
  response.write('retry: 2000\n\n')
  const untilMs = performance.now() + limits.streamMsMax
  let saidMs = performance.now()
  for (let snapshot: Snapshot | null = first; !signal.aborted && performance.now() < untilMs; ) {
    const isNews = snapshot !== null && snapshot.version !== seen
    if (isNews || performance.now() - saidMs >= limits.heartbeatMs) {
      const flowing: boolean = response.write(isNews ? eventText(snapshot as Snapshot) : ': still here\n\n')
      saidMs = performance.now()
      seen = isNews ? (snapshot as Snapshot).version : seen
      // Who does not read gets no more until it does; states that passed meanwhile are not made up for.
      if (!flowing) await drained(response, signal)
    }
    if (snapshot?.isOver) break
    await streaming.nudged(limits.streamEveryMs)
    snapshot = signal.aborted ? null : await look().catch(() => null)
  }
  response.end()
}

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // Of nginx: pass each event on as it comes.
  'x-accel-buffering': 'no',
}

function eventText({ body, version, isOver }: Snapshot): string {
  return `event: ${isOver ? 'end' : 'state'}\nid: ${version}\ndata: ${stringifyJson(body)}\n\n`
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  while (response.writableNeedDrain && !signal.aborted) await sleep(50)
}
