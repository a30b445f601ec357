/** `verify` beside coordinators at work: what runs now is no wrong, and neither is a marker at the end of a partition. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { millrace } from '../cli/millrace.ts'
import { freshProducer } from '../support/kafka.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, servers, unique } from '../support/servers.ts'

const rounds = 6
const perRound = 300

test('a ledger that two coordinators write to is well at any moment, and at the end', async () => {
  const topic = unique('live')
  const { producer } = await freshTopic(3, topic)
  const engine = unique('engine')
  const scene = await freshScene(
    {
      'live.yaml': `
name: live
on: { kafka: ${topic} }
steps:
  - { id: one, uses: work, retry: { initial: 10ms } }
  - { id: two, uses: work, with: '\${{ event.data }}' }
  - { id: three, uses: work }
`,
      'functions/work.ts': `
import { defineFunction, retry } from 'millrace'
export default defineFunction({
  async run({ context }) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    return context.attempt === 1 && context.transactionId.endsWith('7') ? retry('busy', 'as asked') : null
  },
})`,
    },
    { MILLRACE_ENGINE: engine },
  )
  const { brokers } = await servers()
  const env = { KAFKA_BROKERS: brokers.join(','), DATABASE_URL: scene.ledger.databaseUrl, MILLRACE_ENGINE: engine }
  const coordinators = [scene.start(), scene.start()]
  for (let round = 0; round < rounds; round++) {
    const messages = Array.from({ length: perRound }, (_, at) => ({ key: `key-${at % 20}`, value: `{"n":${at}}` }))
    await producer.send({ topic, messages })
    const { code, stdout, stderr } = await millrace('.', ['verify'], { env })
    assert.equal(code, 0, stdout + stderr)
  }
  const careful = await freshProducer(unique('careful'))
  const work = await careful.transaction()
  await work.send({ topic, messages: [0, 1, 2].map((partition) => ({ partition, key: 'last', value: '{}' })) })
  await work.commit()
  await scene.ended(rounds * perRound + 3)
  for (const coordinator of coordinators) await terminate(coordinator)
  const end = await millrace('.', ['verify', '--deep', '--json'], { env })
  const report = JSON.parse(end.stdout)
  assert.deepEqual([end.code, report.first, report.records], [0, null, rounds * perRound + 3])
})
