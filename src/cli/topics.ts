/** The topics that workflows name, made where they are missing: a service of `dev` alone. */
import type { Config } from '../config.ts'
import { createClient } from '../intake/client.ts'
import { Topics } from '../intake/topics.ts'
import { kafkaSettings } from '../kafka-settings.ts'
import type { Plan } from '../workflow/plan.ts'
import { topicsReadBy } from '../workflow/uses.ts'

/** Enough to see several lanes at work on one machine. */
const partitions = 4

/** Answers with the names of those it made. */
export async function createTopics(config: Config, plans: readonly Plan[]): Promise<string[]> {
  const names = [...new Set(plans.flatMap(topicsOf))]
  if (names.length === 0) return []
  return withTopics(config, (topics) => topics.create(names, partitions))
}

/** What it reads, and what it publishes to; what its functions emit nobody knows before. */
function topicsOf(plan: Plan): string[] {
  const { deadLetter, publish, steps } = plan
  const published = [...publish.completed, ...publish.failed, ...steps.flatMap((step) => step.publish)]
  return [
    ...topicsReadBy(plan),
    ...(deadLetter.topic === null ? [] : [deadLetter.topic]),
    ...published.map((each) => each.topic),
  ]
}

export async function withTopics<T>(config: Config, act: (topics: Topics) => Promise<T>): Promise<T> {
  const topics = new Topics(createClient(kafkaSettings(config)), config['kafka.brokers'].join(','))
  try {
    await topics.connect()
    return await act(topics)
  } finally {
    await topics.disconnect()
  }
}
