/** The workflows this coordinator admits transactions for, with their ids in the ledger. */
import type { Plan } from '../workflow/plan.ts'
import { startTopics } from '../workflow/uses.ts'
import type { VersionIds } from './ports.ts'

export interface Catalogue {
  /** topic -> those that its records start. */
  readonly byTopic: ReadonlyMap<string, readonly Plan[]>
  /** topic -> those with steps that wait for its events. */
  readonly waitersByTopic: ReadonlyMap<string, readonly Plan[]>
  readonly byName: ReadonlyMap<string, Plan>
  /** version hash -> ids; versions that only old transactions run on are in it too. */
  readonly ids: ReadonlyMap<string, VersionIds>
}

export function catalogueOf(plans: readonly Plan[], ids: ReadonlyMap<string, VersionIds>): Catalogue {
  const byTopic = new Map<string, Plan[]>()
  const waitersByTopic = new Map<string, Plan[]>()
  for (const plan of plans) {
    for (const topic of startTopics(plan)) add(byTopic, topic, plan)
    for (const { topic } of plan.signals) add(waitersByTopic, topic, plan)
  }
  return { byTopic, waitersByTopic, byName: new Map(plans.map((plan) => [plan.name, plan])), ids }
}

function add(to: Map<string, Plan[]>, topic: string, plan: Plan): void {
  const known = to.get(topic)
  if (known) known.push(plan)
  else to.set(topic, [plan])
}

/** All that take records of the topic in one way or the other, each once. */
export function takersOf({ byTopic, waitersByTopic }: Catalogue, topic: string): readonly Plan[] {
  const started = byTopic.get(topic) ?? []
  const waiting = waitersByTopic.get(topic)
  return waiting === undefined ? started : [...new Set([...started, ...waiting])]
}

export function idsOf(catalogue: Catalogue, plan: Plan): VersionIds {
  const ids = catalogue.ids.get(plan.version)
  if (!ids) throw new Error(`version ${plan.version} of ${plan.name} is not registered`)
  return ids
}
