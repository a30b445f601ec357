/** A real Kafka for the contract of `test/contract/intake.ts`. */

import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ISocketFactory, Kafka, logLevel } from 'kafkajs'
import { systemClock } from '../../src/base/clock.ts'
import { until } from '../../src/base/poll.ts'
import { Intake, type IntakeListener, type IntakeOptions } from '../../src/intake/intake.ts'
import type { KafkaSettings } from '../../src/intake/settings.ts'
import type { World } from '../contract/intake.ts'
import { atEnd } from './at-end.ts'
import { createTopic } from './create-topic.ts'
import { freshAdmin, freshProducer } from './kafka.ts'
import { servers, unique } from './servers.ts'

export async function kafkaWorld(): Promise<World> {
  const admin = await freshAdmin()
  const producer = await freshProducer()
  const transactional = await freshProducer(unique('transactional'))
  const groupId = unique('group')
  const partitionsOf = new Map<string, number>()
  const wires = new Map<Intake, Wire>()
  const create = async (topic: string, partitions: number) => {
    await createTopic(admin, topic, partitions)
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
    async join(listener) {
      const wire = new Wire()
      const intake = await startIntake(groupId, listener, { client: (settings) => wire.client(settings) })
      wires.set(intake, wire)
      return intake
    },
    async cutOff(intake) {
      const wire = wires.get(intake as Intake)
      wire?.hold()
      await sleep(sessionTimeoutMs + 1500)
      wire?.letGo()
    },
  }
}

/** The least that brokers allow by default. */
const sessionTimeoutMs = 6000

/** The connections of one consumer, which can be made deaf: what is asked goes out once, no answer comes in. */
class Wire {
  readonly #sockets = new Set<Socket>()
  #isHeld = false

  client({ brokers, clientId }: KafkaSettings): Kafka {
    const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries: 5 }
    const socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
      const socket = connect({ host, port }, onConnect)
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      if (this.#isHeld) setImmediate(() => socket.pause())
      return socket
    }
    return new Kafka({ brokers: [...brokers], clientId, socketFactory, retry, logLevel: logLevel.NOTHING })
  }

  hold(): void {
    this.#isHeld = true
    for (const socket of this.#sockets) socket.pause()
  }

  letGo(): void {
    this.#isHeld = false
    for (const socket of this.#sockets) socket.resume()
  }
}

export async function startIntake(
  groupId: string,
  listener: IntakeListener,
  options: IntakeOptions = {},
  settings: Partial<KafkaSettings> = {},
): Promise<Intake> {
  const { brokers } = await servers()
  const plain = { brokers, groupId, clientId: 'test', tls: false, sasl: null, sessionTimeoutMs }
  const intake = new Intake({ ...plain, ...settings }, systemClock(), options)
  atEnd(() => intake.stop())
  await intake.start(listener)
  return intake
}
