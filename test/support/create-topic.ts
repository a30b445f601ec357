/** A topic that can be used at once: the client's own way of waiting for leaders gives up when a broker has not heard of it. */
import type { Admin } from 'kafkajs'
import { until } from '../../src/base/poll.ts'

export async function createTopic(admin: Admin, topic: string, partitions: number): Promise<void> {
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false })
  await until(`topic ${topic}`, () => hasLeaders(admin, topic, partitions), { forMs: 10_000 })
}

async function hasLeaders(admin: Admin, topic: string, partitions: number): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const found = topics[0]?.partitions ?? []
    return found.length === partitions && found.every((each) => each.leader >= 0)
  } catch {
    return false
  }
}
