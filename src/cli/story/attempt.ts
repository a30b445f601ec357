/** One attempt at a step, or the end of a step that runs no function. */
import type { AttemptRead, PostingRead } from '../../ledger/read/parts.ts'
import type { Paint } from '../paint.ts'
import { nameOf } from '../place-name.ts'
import { colourOf } from '../state-colour.ts'
import { oneLine, shorten } from '../table.ts'
import { msBetween, span } from '../times.ts'
import { postingText } from './money.ts'

/** Of an output or an event's data. The ledger and `--json` have all of it. */
const valueCharsMax = 400
const logLinesMax = 20
const postingsMax = 10

export function attemptTitle(attempt: AttemptRead, paint: Paint): string {
  const { step, attempt: number, outcome, error_code, resolved_by } = attempt
  const name = paint('bold', nameOf(attempt))
  if (resolved_by !== null) {
    return `${name}  settled as ${paint(colourOf(outcome), outcome)} by ${oneLine(resolved_by)}`
  }
  const result = paint(colourOf(outcome), error_code === null ? outcome : `${outcome} ${error_code}`)
  if (attempt.function === null) return `${name}  ${attempt.kind}  ${result}`
  const uses = attempt.function === step ? '' : ` (${attempt.function})`
  return `${name}${uses}  attempt ${number}  ${result}  ${partsOf(attempt)}`.trimEnd()
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

export function attemptDetails(
  attempt: AttemptRead,
  postings: readonly PostingRead[],
  since: (time: string) => string,
): string[] {
  const { output, next_at, logs, kind } = attempt
  const error_message = attempt.resolved_by === null ? attempt.error_message : null
  // What a block gives, what it holds has told.
  const isTold = kind === 'parallel' || kind === 'forEach' || kind === 'switch'
  return [
    ...(error_message === null ? [] : [oneLine(error_message)]),
    ...(output === null || isTold ? [] : [`output  ${shorten(oneLine(output), valueCharsMax)}`]),
    ...first(postings.filter((each) => isOf(each, attempt)).map(postingLine), postingsMax, 'postings'),
    ...first(logs === null ? [] : logs.trimEnd().split('\n').map(logLine), logLinesMax, 'lines'),
    ...(next_at === null ? [] : [`next attempt at ${since(next_at)}`]),
  ]
}

const postingLine = (posting: PostingRead) => `posted  ${postingText(posting)}`
const logLine = (line: string) => `log     ${oneLine(line)}`

function first(lines: readonly string[], most: number, noun: string): string[] {
  const more = lines.length - most
  return more > 0 ? [...lines.slice(0, most), `        … ${more} more ${noun}`] : [...lines]
}

function isOf(posting: PostingRead, { step, item, attempt, direction }: AttemptRead): boolean {
  return (
    posting.step === step && posting.item === item && posting.attempt === attempt && posting.direction === direction
  )
}
