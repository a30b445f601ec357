/** The workflows this coordinator admits transactions for, with their ids in the ledger. */
import { credentialHeadersOf } from '../envelope/auth-spec.ts'
import { isCredential } from '../envelope/credentials.ts'
import type { SecretPath } from '../envelope/secret-path.ts'
import type { Plan } from '../workflow/plan.ts'
import { secretsIn, startTopics } from '../workflow/uses.ts'
import type { VersionIds } from './ports.ts'

export interface Catalogue {
  /** topic -> those that its records start. */
  readonly byTopic: ReadonlyMap<string, readonly Plan[]>
  /** topic -> those with steps that wait for its events. */
  readonly waitersByTopic: ReadonlyMap<string, readonly Plan[]>
  /** topic -> headers that carry credentials there, besides those that do everywhere. In lower case. */
  readonly credentialsByTopic: ReadonlyMap<string, ReadonlySet<string>>
  readonly byName: ReadonlyMap<string, Plan>
  /** version hash -> ids; versions that only old transactions run on are in it too. */
  readonly ids: ReadonlyMap<string, VersionIds>
}

export function catalogueOf(plans: readonly Plan[], ids: ReadonlyMap<string, VersionIds>): Catalogue {
  const byTopic = new Map<string, Plan[]>()
  const waitersByTopic = new Map<string, Plan[]>()
  const credentialsByTopic = new Map<string, Set<string>>()
  for (const plan of plans) {
    for (const topic of startTopics(plan)) {
      add(byTopic, topic, plan)
      addCredentials(credentialsByTopic, topic, plan)
    }
    for (const { topic } of plan.signals) add(waitersByTopic, topic, plan)
  }
  const byName = new Map(plans.map((plan) => [plan.name, plan]))
  return { byTopic, waitersByTopic, credentialsByTopic, byName, ids }
}

function add(to: Map<string, Plan[]>, topic: string, plan: Plan): void {
  const known = to.get(topic)
  if (known) known.push(plan)
  else to.set(topic, [plan])
}

function addCredentials(to: Map<string, Set<string>>, topic: string, { auth }: Plan): void {
  const names = (auth === null ? [] : credentialHeadersOf(auth)).filter((name) => !isCredential(name))
  if (names.length > 0) to.set(topic, new Set([...(to.get(topic) ?? []), ...names]))
}

/** Whether a header carries a credential, as records of the topic have it. */
export function carriesCredential({ credentialsByTopic }: Catalogue, topic: string): (headerName: string) => boolean {
  const own = credentialsByTopic.get(topic)
  return own === undefined ? isCredential : (name) => isCredential(name) || own.has(name.toLowerCase())
}

/** All that take records of the topic in one way or the other, each once. */
export function takersOf({ byTopic, waitersByTopic }: Catalogue, topic: string): readonly Plan[] {
  const started = byTopic.get(topic) ?? []
  const waiting = waitersByTopic.get(topic)
  return waiting === undefined ? started : [...new Set([...started, ...waiting])]
}

/** What any of them keeps secret of the topic's events. */
export function secretsOf(catalogue: Catalogue, topic: string): SecretPath[] {
  return takersOf(catalogue, topic).flatMap((plan) => secretsIn(plan, topic))
}

export function idsOf(catalogue: Catalogue, plan: Plan): VersionIds {
  const ids = catalogue.ids.get(plan.version)
  if (!ids) throw new Error(`version ${plan.version} of ${plan.name} is not registered`)
  return ids
}
