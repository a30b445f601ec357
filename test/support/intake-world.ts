/** A real Kafka for the contract of `test/contract/intake.ts`. */

import { systemClock } from '../../src/base/clock.ts'
import { until } from '../../src/base/poll.ts'
import { Intake, type IntakeListener, type IntakeOptions } from '../../src/intake/intake.ts'
import type { KafkaSettings } from '../../src/intake/settings.ts'
import type { World } from '../contract/intake.ts'
import { atEnd } from './at-end.ts'
import { freshAdmin, freshProducer } from './kafka.ts'
import { servers, unique } from './servers.ts'

export async function kafkaWorld(): Promise<World> {
  const admin = await freshAdmin()
  const producer = await freshProducer()
  const transactional = await freshProducer(unique('transactional'))
  const groupId = unique('group')
  const partitionsOf = new Map<string, number>()
  const create = async (topic: string, partitions: number) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true })
  }
  return {
    async createTopic(partitions) {
      const topic = unique('contract')
      partitionsOf.set(topic, partitions)
      await create(topic, partitions)
      atEnd(() => admin.deleteTopics({ topics: [topic] }).catch(() => undefined))
      return topic
    },
    async recreateTopic(topic) {
      await admin.deleteTopics({ topics: [topic] })
      await until('the topic to be gone', async () => !(await admin.listTopics()).includes(topic), { forMs: 10_000 })
      await create(topic, partitionsOf.get(topic) ?? 1)
    },
    async produce({ topic, partition }, value, timeMs) {
      const timestamp = String(timeMs ?? Date.now())
      await producer.send({ topic, acks: -1, messages: [{ partition, value, timestamp }] })
    },
    async transact({ topic, partition }, value, end) {
      const transaction = await transactional.transaction()
      await transaction.send({ topic, messages: [{ partition, value }] })
      await (end === 'commit' ? transaction.commit() : transaction.abort())
    },
    async deleteBefore({ topic, partition }, offset) {
      // Of its own: an admin that has asked for a topic gets no answer to anything once the topic is deleted.
      const own = await freshAdmin()
      await own.fetchTopicOffsets(topic)
      await own.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
    },
    join: (listener) => startIntake(groupId, listener),
  }
}

export async function startIntake(
  groupId: string,
  listener: IntakeListener,
  options: IntakeOptions = {},
  settings: Partial<KafkaSettings> = {},
): Promise<Intake> {
  const { brokers } = await servers()
  const plain = { brokers, groupId, clientId: 'test', tls: false, sasl: null, sessionTimeoutMs: 6000 }
  const intake = new Intake({ ...plain, ...settings }, systemClock(), options)
  atEnd(() => intake.stop())
  await intake.start(listener)
  return intake
}
