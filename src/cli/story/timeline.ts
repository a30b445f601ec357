/** What happened when, by the time since the admission; then what is still to come. */
import type { CalledRead, RoundRead } from '../../ledger/read/parts.ts'
import type { Story } from '../../ledger/read/story.ts'
import type { Plan } from '../../workflow/plan.ts'
import type { Paint } from '../paint.ts'
import { placeName } from '../place-name.ts'
import { colourOf } from '../state-colour.ts'
import { oneLine } from '../table.ts'
import { msBetween, span } from '../times.ts'
import { attemptDetails, attemptTitle } from './attempt.ts'
import type { Items } from './items.ts'
import { openRows } from './open.ts'

/** What happened at a moment of the ledger's, null: it is not known, or not over. */
export interface Happening {
  readonly at: string | null
  readonly title: string
  readonly details: readonly string[]
}

export function timeline(story: Story, plan: Plan | null, items: Items, paint: Paint): string[] {
  const since = (time: string) => span(msBetween(story.admitted_at, time))
  const happenings = [
    ...[...attempts(story, items, since, paint), ...rounds(story), ...called(story, paint)].sort(byTime),
    ...hidden(story, items),
    ...openRows(story, plan, items, paint),
  ]
  const { produced_at, fetched_at, admitted_at, ended_at, state } = story
  return [
    ...(produced_at === null ? [] : [plain(produced_at, 'produced')]),
    plain(fetched_at, 'fetched'),
    plain(admitted_at, 'admitted'),
    ...happenings,
    ...(ended_at === null ? [] : [plain(ended_at, paint(colourOf(state), state))]),
  ].flatMap(({ at, title, details }) => [
    `${paint('dim', (at === null ? '' : since(at)).padStart(timeChars))}  ${title}`,
    ...details.map((detail) => `${indent}${paint('dim', detail)}`),
  ])
}

const timeChars = 10
const indent = ' '.repeat(timeChars + 4)

function plain(at: string | null, title: string): Happening {
  return { at, title, details: [] }
}

function byTime(a: Happening, b: Happening): number {
  if (a.at === b.at) return 0
  if (a.at === null) return 1
  return b.at === null || a.at < b.at ? -1 : 1
}

function attempts(story: Story, items: Items, since: (time: string) => string, paint: Paint): Happening[] {
  return story.attempts
    .filter((attempt) => items.isShown(attempt))
    .map((attempt) => ({
      at: attempt.eligible_at ?? attempt.received_at ?? attempt.committed_at,
      title: attemptTitle(attempt, paint),
      details: attemptDetails(attempt, story.postings, since),
    }))
}

function rounds({ rounds: all }: Story): Happening[] {
  return all.map((each) => ({ at: each.opened_at, title: roundTitle(each), details: [formerly(each)] }))
}

function roundTitle({ round, opened_by, from_step }: RoundRead): string {
  const what = from_step === null ? 'undone once more' : `run again from ${from_step} on`
  return `round ${round}: ${what}, by ${oneLine(opened_by)}`
}

function formerly({ former_state, former_error_code, former_error_message }: RoundRead): string {
  const error = former_error_code === null ? '' : `: ${former_error_code} ${oneLine(former_error_message ?? '')}`
  return `before that it was ${former_state}${error}`.trimEnd()
}

function called({ called: all }: Story, paint: Paint): Happening[] {
  return all.map((each) => plain(each.admitted_at, calledTitle(each, paint)))
}

function calledTitle({ id, workflow, state, parent_step }: CalledRead, paint: Paint): string {
  return `${paint('bold', parent_step)}  calls ${workflow} ${id}  ${paint(colourOf(state), state)}`
}

function hidden({ attempts, steps }: Story, items: Items): Happening[] {
  const count = attempts.filter((attempt) => !items.isShown(attempt)).length
  const skipped = steps.filter((step) => step.state === 'skipped' && items.isShown(step))
  return [
    ...(count === 0 ? [] : [plain(null, `… ${count} more attempts of items; --json has them all`)]),
    ...skipped.map((step) => plain(null, `${placeName(step)}  skipped`)),
  ]
}
