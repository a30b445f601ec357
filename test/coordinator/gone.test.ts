/** A workflow whose file is taken away while others read on: its records are recorded as nobody's, and it may come back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planFromSource } from '../../src/workflow/parse.ts'
import { eventually, oneStep, topic, world } from './world.ts'

const other = planFromSource(oneStep.replace('name: one', 'name: other'), 'test')
const one = planFromSource(oneStep, 'test')

test('given a workflow that is gone for a while, then each record is accounted for, for it too', async () => {
  const it = await world({ workflows: [oneStep, oneStep.replace('name: one', 'name: other')] })
  const read = async (plans: Parameters<typeof it.coordinator.setPlans>[0], next: number) => {
    await it.coordinator.setPlans(plans)
    it.kafka.produce(0, { json: next })
    await eventually(
      'the record',
      it,
      () => it.ledger.tables.lanes.length > 0 && it.ledger.lane(topic, 0).nextOffset === next,
    )
  }
  await read([one, other], 1)
  await read([one], 2)
  await read([one, other], 3)
  const id = (await it.ledger.port.register([other])).get(other.version)?.workflowId as number
  const fates = [0, 1, 2].map((offset) => it.ledger.fatesOf(it.ledger.lane(topic, 0), id, offset))
  assert.deepEqual(fates, [['transaction'], ['passed no_workflow'], ['transaction']])
  await it.coordinator.stop(0)
})
