/** Decides what an ended attempt means for its step: settled, or tried again when. */
import { delayMs } from '../base/backoff.ts'
import type { FunctionStep } from '../workflow/plan.ts'
import type { AttemptOutcome, AttemptReport } from './attempt.ts'
import { type NewProgress, progressFrom, type StepError, type StepProgress } from './transaction.ts'

/** An attempt lost with its process is nobody's failure; this many of them are somebody's. */
export const lostMax = 5
/** Lost so often, it runs alone: whatever takes its process down then is itself. */
export const lostBeforeAlone = 2
/** A function may ask for no longer a delay than this. */
export const retryAfterMsMax = 24 * 60 * 60 * 1000

export type Verdict =
  | { readonly kind: 'ok' }
  | { readonly kind: 'again'; readonly dueUs: number }
  | { readonly kind: 'in_doubt' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** `counted`: with this attempt in it. One of a function that is not idempotent is never tried again on a guess. */
export function judge(
  step: FunctionStep,
  counted: StepProgress,
  report: AttemptReport,
  atUs: number,
  seed: string,
): Verdict {
  if (counted.begun && report.effectUnknown) return { kind: 'in_doubt' }
  switch (report.outcome) {
    case 'ok':
      return { kind: 'ok' }
    case 'fail':
      return failed(report)
    case 'lost':
      if (counted.lost < lostMax) return { kind: 'again', dueUs: atUs }
      return { kind: 'failed', ...crashLoop(counted) }
    case 'retry':
    case 'timeout':
    case 'crash':
      if (counted.failures >= step.retry.attempts || !isTriedAgain(step, report)) return failed(report)
      return within(step, counted, report, atUs + Math.round(pauseMs(step, counted, report, seed) * 1000))
  }
}

/** Its last attempt says only that it was lost. */
export function crashLoop({ lost }: StepProgress): StepError {
  return { code: 'crash_loop', message: `lost with its process ${lost} times` }
}

function isTriedAgain({ retry: { on, never } }: FunctionStep, report: AttemptReport): boolean {
  const code = report.errorCode ?? report.outcome
  return !never.includes(code) && (on === null || on.includes(code))
}

/** Its budget counts from when the first attempt could be dispatched. */
function within({ retry }: FunctionStep, { sinceUs }: StepProgress, report: AttemptReport, dueUs: number): Verdict {
  if (retry.budgetMs === null || sinceUs === null || dueUs <= sinceUs + retry.budgetMs * 1000)
    return { kind: 'again', dueUs }
  return failed(report)
}

/** A new one, with one more attempt in its counters. */
export function counted(progress: StepProgress, outcome: AttemptOutcome | 'skipped'): NewProgress {
  const after = progressFrom(progress)
  if (outcome === 'skipped') return after
  after.attempts++
  if (outcome === 'lost') after.lost++
  else if (outcome !== 'ok') after.failures++
  return after
}

function pauseMs(step: FunctionStep, counted: StepProgress, report: AttemptReport, seed: string): number {
  const asked = Math.min(report.retryAfterMs || 0, retryAfterMsMax)
  return Math.max(asked, delayMs(step.retry.backoff, counted.failures, seed))
}

function failed(report: AttemptReport): Verdict {
  return {
    kind: 'failed',
    code: report.errorCode ?? report.outcome,
    message: report.errorMessage ?? `attempt ended with ${report.outcome}`,
  }
}
