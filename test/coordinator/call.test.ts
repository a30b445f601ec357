/** Sub-workflows: who is called is there when its caller is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, settled, topic, world } from './world.ts'

const caller = `
name: caller
on: { kafka: { topic: ${topic} } }
deduplicate: { by: event.data.id }
steps:
  - { id: sub, call: called }
`
const called = `
name: called
steps:
  - { id: work, uses: work }
`

test('given a copy of an event, when its workflow begins with a call, then what it calls is not run', async () => {
  const it = await world({ workflows: [caller, called] })
  it.kafka.produce(0, { json: { id: 1 } })
  it.kafka.produce(0, { json: { id: 1 } })
  await eventually('the copy', it, () => it.ledger.tables.duplicates.size === 1)
  await eventually('the first one', it, () => it.workers.waiting.length === 1)
  await settled(100)
  assert.equal(it.workers.seen.length, 1)
  await it.workers.answerAll()
  await eventually('both ends', it, () => it.ledger.endings.size === 2)
  assert.deepEqual([it.ledger.transactions.size, it.coordinator.stats().running], [2, 0])
})

test('given a call, when its commit is under way, then nobody is asked for what is called', async () => {
  const it = await world({ workflows: [caller, called] })
  let open: (value?: undefined) => void = () => undefined
  it.ledger.gate = new Promise((resolve) => (open = resolve))
  it.kafka.produce(0, { json: { id: 1 } })
  await settled(50)
  assert.equal(it.workers.seen.length, 0)
  open()
  await eventually('the invocation', it, () => it.workers.waiting.length === 1)
})
