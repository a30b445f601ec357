/** The workflows this coordinator admits transactions for, with their ids in the ledger. */
import type { Plan } from '../workflow/plan.ts'
import type { VersionIds } from './ports.ts'

export interface Catalogue {
  readonly byTopic: ReadonlyMap<string, readonly Plan[]>
  /** version hash -> ids; versions that only old transactions run on are in it too. */
  readonly ids: ReadonlyMap<string, VersionIds>
}

export function catalogueOf(plans: readonly Plan[], ids: ReadonlyMap<string, VersionIds>): Catalogue {
  const byTopic = new Map<string, Plan[]>()
  for (const plan of plans) {
    const topic = plan.on.kafka.topic
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), plan])
  }
  return { byTopic, ids }
}

export function idsOf(catalogue: Catalogue, plan: Plan): VersionIds {
  const ids = catalogue.ids.get(plan.version)
  if (!ids) throw new Error(`version ${plan.version} of ${plan.name} is not registered`)
  return ids
}
