/** A transaction's story as lines: what it is, then what happened when, by the time since its admission. */
import type { AttemptRead, Story } from '../ledger/read/story.ts'
import { colourOf } from './list.ts'
import type { Paint } from './paint.ts'
import { oneLine, shorten } from './table.ts'
import { msBetween, shortTime, span } from './times.ts'

/** Of an output or an event's data. The ledger and `--json` have all of it. */
const valueCharsMax = 400
const logLinesMax = 20

export function storyLines(story: Story, paint: Paint, widthMax: number | null): string[] {
  const lines = [...header(story, paint), '', ...timeline(story, paint)]
  return widthMax === null ? lines : lines.map((line) => fit(line, widthMax))
}

function header(story: Story, paint: Paint): string[] {
  const { state, duration_ms, error_code, error_message } = story
  const took = duration_ms === null ? '' : ` after ${span(duration_ms)}`
  const error = error_code === null ? [] : [`  error     ${paint('red', error_code)} ${oneLine(error_message ?? '')}`]
  return [
    `${paint('bold', story.id)}  ${paint(colourOf(state), state)}${took}`,
    `  workflow  ${story.workflow} (version ${story.version.slice(0, 12)})`,
    `  event     ${oneLine(story.event_id)} from ${story.topic}/${story.kafka_partition} at offset ${story.kafka_offset}`,
    `  key       ${story.key === null ? '(none)' : oneLine(story.key)}`,
    `  admitted  ${shortTime(story.admitted_at)} UTC`,
    ...error,
  ]
}

function timeline(story: Story, paint: Paint): string[] {
  const since = (time: string | null) => (time === null ? '' : span(msBetween(story.admitted_at, time)))
  const row = (time: string | null, text: string) => `${paint('dim', since(time).padStart(timeChars))}  ${text}`
  const open = story.steps.filter((step) => ['running', 'waiting', 'pending', 'in_doubt'].includes(step.state))
  return [
    ...(story.produced_at === null ? [] : [row(story.produced_at, 'produced')]),
    row(story.fetched_at, 'fetched'),
    row(story.admitted_at, 'admitted'),
    ...story.attempts.flatMap((each) => [
      row(each.eligible_at ?? each.received_at, titleOf(each, paint)),
      ...detailsOf(each, since, paint),
    ]),
    ...story.steps.filter((step) => step.state === 'skipped').map(({ step }) => row(null, `${step}  skipped`)),
    ...open.flatMap(({ step, state }) => [
      row(null, `${step}  ${paint('yellow', state)}`),
      ...(state === 'in_doubt' ? howToSettle(story.id, step, paint) : []),
    ]),
    ...(story.ended_at === null ? [] : [row(story.ended_at, paint(colourOf(story.state), story.state))]),
  ]
}

function howToSettle(id: string, step: string, paint: Paint): string[] {
  const command = `millrace resolve ${id.slice(0, idChars)} --step ${step}`
  return [
    'what its last attempt did is not known: find out, then say so by',
    `${command} --outcome ok`,
    `${command} --outcome fail`,
  ].map((line) => `${indent}${paint('dim', line)}`)
}

/** Enough to tell it, and short enough for a line. */
const idChars = 18

const timeChars = 10
const indent = ' '.repeat(timeChars + 4)

function titleOf(attempt: AttemptRead, paint: Paint): string {
  const { step, attempt: number, outcome, error_code, resolved_by } = attempt
  if (resolved_by !== null) {
    return `${paint('bold', step)}  settled as ${paint(colourOf(outcome), outcome)} by ${oneLine(resolved_by)}`
  }
  const name = attempt.function === step ? step : `${step} (${attempt.function})`
  const error = error_code === null ? '' : ` ${error_code}`
  return `${paint('bold', name)}  attempt ${number}  ${paint(colourOf(outcome), outcome + error)}  ${partsOf(attempt)}`
}

/** waited for a process, on the way to it, ran, until it was durable */
function partsOf({ eligible_at, dispatched_at, started_at, finished_at, committed_at }: AttemptRead): string {
  const part = (name: string, from: string | null, to: string | null) =>
    from === null || to === null ? [] : [`${name} ${span(msBetween(from, to))}`]
  return [
    ...part('waited', eligible_at, dispatched_at),
    ...part('sent in', dispatched_at, started_at),
    ...part('ran', started_at, finished_at),
    ...part('committed in', finished_at, committed_at),
  ].join(', ')
}

function detailsOf(attempt: AttemptRead, since: (time: string) => string, paint: Paint): string[] {
  const { output, next_at, logs } = attempt
  const error_message = attempt.resolved_by === null ? attempt.error_message : null
  const logLines = logs === null ? [] : logs.trimEnd().split('\n')
  const more = logLines.length - logLinesMax
  return [
    ...(error_message === null ? [] : [oneLine(error_message)]),
    ...(output === null ? [] : [`output  ${shorten(oneLine(output), valueCharsMax)}`]),
    ...logLines.slice(0, logLinesMax).map((line) => `log     ${oneLine(line)}`),
    ...(more > 0 ? [`        … ${more} more lines`] : []),
    ...(next_at === null ? [] : [`next attempt at ${since(next_at)}`]),
  ].map((line) => `${indent}${paint('dim', line)}`)
}

/** Colour codes take no room; a line that is too long anyway is cut without them. */
function fit(line: string, widthMax: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour code
  const plain = line.replace(/\u001b\[\d+m/g, '')
  return plain.length <= widthMax ? line : shorten(plain, widthMax)
}
