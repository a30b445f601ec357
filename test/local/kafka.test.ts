import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { newClusterId, startKafka } from '../../src/local/kafka.ts'
import { isAlive } from '../../src/local/life.ts'
import { folderFor } from './folder.ts'

test('records outlive a stop and a kill, in one folder that only one may use', async (t) => {
  const dataDir = join(folderFor(t), 'kafka')
  {
    await using kafka = await startKafka({ dataDir })
    await createTopic(kafka.brokers)
    await produce(kafka.brokers, 'first')
    await assert.rejects(startKafka({ dataDir }), { code: 'data_dir_in_use', message: new RegExp(dataDir) })
    await assert.rejects(produceToUnknown(kafka.brokers))
    await kafka.stop()
    assert.equal(isAlive(kafka.pid), false)
  }
  {
    await using kafka = await startKafka({ dataDir })
    await produce(kafka.brokers, 'second')
    process.kill(kafka.pid, 'SIGKILL')
    assert.equal(await kafka.exited, 128 + 9)
  }
  await using kafka = await startKafka({ dataDir })
  assert.deepEqual(await consume(kafka.brokers, 2), ['first', 'second'])
})

test('no cluster id looks like an option', () => {
  assert.equal(newClusterId(Buffer.alloc(16, 0xff))[0], 'f')
})

const clientOf = (brokers: string[]) => new Kafka({ brokers, logLevel: logLevel.NOTHING })

async function createTopic(brokers: string[]): Promise<void> {
  const admin = clientOf(brokers).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'films', numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
}

async function produce(brokers: string[], value: string, topic = 'films'): Promise<void> {
  const producer = clientOf(brokers).producer({ allowAutoTopicCreation: false, retry: { retries: 3 } })
  await producer.connect()
  try {
    await producer.send({ topic, messages: [{ value }] })
  } finally {
    await producer.disconnect()
  }
}

function produceToUnknown(brokers: string[]): Promise<void> {
  return produce(brokers, 'lost', 'never-made')
}

async function consume(brokers: string[], count: number): Promise<string[]> {
  const values: string[] = []
  const consumer = clientOf(brokers).consumer({ groupId: 'readers' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'films', fromBeginning: true })
  await new Promise<void>((resolve) => {
    void consumer.run({
      async eachMessage({ message }) {
        values.push(String(message.value))
        if (values.length === count) resolve()
      },
    })
  })
  await consumer.disconnect()
  return values
}
