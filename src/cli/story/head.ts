/** What a transaction is: its state, its event, who called it, and why it stands still if it does. */
import { parseJson } from '../../envelope/json.ts'
import type { Story } from '../../ledger/read/story.ts'
import { traceIdFrom } from '../../telemetry/trace/ids.ts'
import type { Paint } from '../paint.ts'
import { colourOf } from '../state-colour.ts'
import { oneLine } from '../table.ts'
import { shortTime, span } from '../times.ts'
import { whoPaused } from '../who-paused.ts'

export function head(story: Story, paint: Paint): string[] {
  const { state, duration_ms, error_code, error_message, parent_id, parent_step, pauses } = story
  const took = duration_ms === null ? '' : ` after ${span(duration_ms)}`
  return [
    `${paint('bold', story.id)}  ${paint(colourOf(state), state)}${took}`,
    line('workflow', `${story.workflow} (version ${story.version.slice(0, 12)})`),
    parent_id === null
      ? line('event', `${oneLine(story.event_id)} from ${place(story)}`)
      : line('called by', `${parent_step} of ${parent_id}`),
    line('key', story.key === null ? '(none)' : oneLine(story.key)),
    line('trace', traceIdOfStory(story)),
    line('admitted', `${shortTime(story.admitted_at)} UTC`),
    ...(story.round === 1 ? [] : [line('round', String(story.round))]),
    ...(error_code === null ? [] : [line('error', `${paint('red', error_code)} ${oneLine(error_message ?? '')}`)]),
    ...pauses.map((each) => line('paused', `${paint('yellow', each.key === null ? 'all' : 'key')} ${whoPaused(each)}`)),
  ]
}

/** By which it is found where traces are kept, if it was told there. */
export function traceIdOfStory({ id, event }: Story): string {
  const { meta } = parseJson(event) as { readonly meta?: Readonly<Record<string, string>> }
  return traceIdFrom(id, meta?.traceparent)
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(8)}  ${text}`
}

function place({ topic, kafka_partition, kafka_offset }: Story): string {
  return `${topic}/${kafka_partition} at offset ${kafka_offset}`
}
