/** What a plan asks for beside itself: functions to run, topics to read. */
import { waysOf } from '../envelope/auth-spec.ts'
import { isOfRegistry } from '../envelope/format.ts'
import type { SecretPath } from '../envelope/secret-path.ts'
import type { Plan, Step } from './plan.ts'

/** Null for a step that runs none. */
export function functionOf(step: Step): string | null {
  return step.kind === 'invoke' || step.kind === 'undo' ? step.uses : null
}

/** Those that undo steps, and those that authenticate, included. */
export function functionsOf({ steps, auth }: Plan): string[] {
  const authenticators =
    auth === null ? [] : waysOf(auth).flatMap((way) => (way.family === 'function' ? [way.uses] : []))
  return [...authenticators, ...steps.flatMap((step) => functionOf(step) ?? [])]
}

/** Those whose records start it, or are waited for. */
export function topicsReadBy(plan: Plan): string[] {
  return [...startTopics(plan), ...plan.signals.map(({ topic }) => topic)]
}

/** Those whose records start it, each once: what comes by HTTP comes through a topic, which may be the other one's. */
export function startTopics({ on: { kafka, http } }: Plan): string[] {
  return [...new Set([kafka?.topic, http?.topic])].filter((topic) => topic !== undefined)
}

/** What it keeps secret of the topic's events, whether they start it or are waited for. */
export function secretsIn(plan: Plan, topic: string): SecretPath[] {
  const own = startTopics(plan).includes(topic) ? plan.secrets : []
  return [...own, ...plan.signals.flatMap((signal) => (signal.topic === topic ? signal.secrets : []))]
}

/** Something of it is read or written by schemas of a registry, because its file says so. */
export function namesRegistry({ on, signals, steps, publish }: Plan): boolean {
  const messages = [...steps.flatMap((step) => step.publish), ...publish.completed, ...publish.failed]
  return [on.kafka, ...signals, ...messages].some((each) => each?.format && isOfRegistry(each.format))
}
