/** Several workflows read one topic, each in its own format and by its own schema: what one cannot read is its own dead letter. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, topic, world } from './world.ts'

const workflow = (name: string, trigger: string) =>
  `name: ${name}\non: { kafka: { topic: ${topic}${trigger} } }\nsteps: [{ id: s, uses: f, with: { data: "\${{ event.data }}" } }]\n`
const workflows = [
  workflow('plain', ''),
  workflow('yaml', ', format: yaml'),
  workflow('raw', ', format: raw'),
  workflow('strict', ', schema: { type: object, required: [film] }'),
]

test('each workflow reads a record in its own way, and only its own dead letters are told of it', async () => {
  const it = await world({ workflows })
  it.kafka.produce(0, { text: 'film: Solaris' })
  it.kafka.produce(0, { text: '{"film":"Solaris"}' })
  it.kafka.produce(0, { text: '{"movie":1}' })
  await eventually('the records', it, () => it.ledger.tables.lanes.length > 0 && it.ledger.lane(topic, 0).nextOffset === 3)
  const names = new Map(
    await Promise.all(
      it.plans.map(async (plan) => {
        const ids = (await it.ledger.port.register([plan])).get(plan.version)
        return [ids?.workflowId, plan.name] as const
      }),
    ),
  )
  const letters = it.ledger.tables.deadLetters.map(({ offset, workflowId, code }) => `${offset} ${names.get(workflowId ?? 0)} ${code}`)
  assert.deepEqual(letters.sort(), ['0 plain value_not_json', '0 strict value_not_json', '2 strict schema_mismatch'])
  assert.equal(it.ledger.tables.transactions.length, 3 * 4 - 3)
  await it.coordinator.stop(0)
})
