/** What a plan asks for beside itself: functions to run, topics to read. */
import type { Plan, Step } from './plan.ts'

/** Null for a step that runs none. */
export function functionOf(step: Step): string | null {
  return step.kind === 'invoke' || step.kind === 'undo' ? step.uses : null
}

/** Those that undo steps included. */
export function functionsOf({ steps }: Plan): string[] {
  return steps.flatMap((step) => functionOf(step) ?? [])
}

/** Those whose records start it, or are waited for. */
export function topicsReadBy({ on, signals }: Plan): string[] {
  const started = on.kafka === null ? [] : [on.kafka.topic]
  return [...started, ...signals.map(({ topic }) => topic)]
}
