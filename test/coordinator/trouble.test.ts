/** Commits that fail, values that are refused, lanes that are taken: each row is there once all the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fault, poison } from './fake-ledger.ts'
import { eventually, keyed, oneStep, settled, topic, world } from './world.ts'

const faults: readonly { name: string; faults: Fault[] }[] = [
  { name: 'a conflict', faults: ['conflict'] },
  { name: 'an outage', faults: ['outage', 'outage', 'outage'] },
  { name: 'an unknown commit that landed', faults: ['unknown_landed'] },
  { name: 'an unknown commit that did not land', faults: ['unknown_not_landed'] },
  { name: 'one after the other', faults: ['outage', 'unknown_not_landed', 'conflict', 'unknown_landed'] },
]

for (const { name, faults: planned } of faults) {
  for (const when of ['admission', 'outcome'] as const) {
    test(`given ${name} at the ${when}, then each row is written once and each step runs once`, async () => {
      const it = await world({ workflows: [keyed] })
      if (when === 'admission') it.ledger.faults.push(...planned)
      for (let n = 0; n < 3; n++) it.kafka.produce(0, { json: { key: `k${n}` } })
      await eventually('all three', it, () => it.workers.waiting.length === 3)
      if (when === 'outcome') it.ledger.faults.push(...planned)
      await it.workers.answerAll()
      await eventually('the endings', it, () => it.ledger.endings.size === 3)
      assert.equal(it.ledger.faults.length, 0)
      assert.deepEqual(it.workers.seen, ['work#0', 'work#1', 'work#2'])
      await it.coordinator.stop(100)
    })
  }
}

test('given an outcome whose value is refused, then it ends with its own code and its neighbours are unharmed', async () => {
  const it = await world()
  for (let n = 0; n < 5; n++) it.kafka.produce(0, { json: n })
  await eventually('all five', it, () => it.workers.waiting.length === 5)
  await it.workers.answerAll(({ transactionId }) => {
    const guilty = it.ledger.transactions.get(transactionId)?.offset === 2
    return { output: guilty ? `"${poison}"` : '1' }
  })
  await eventually('the endings', it, () => it.ledger.endings.size === 5)
  const rows = [...it.ledger.transactions.values()].sort((one, other) => one.offset - other.offset)
  const codes = rows.map((row) => it.ledger.endings.get(row.id)?.errorCode)
  assert.deepEqual(codes, [null, null, 'value_refused', null, null])
  await it.coordinator.stop(100)
})

test('given an admission whose value is refused, then it is a dead letter, and the next of its key goes on', async () => {
  const it = await world({ workflows: [keyed, oneStep] })
  for (let n = 0; n < 6; n++) it.kafka.produce(0, { json: { key: 'k', text: n === 2 ? poison : 'fine' } })
  while (it.ledger.endings.size < 10) {
    await it.workers.answerAll()
    await settled(3)
    await eventually('more', it, () => it.workers.waiting.length > 0 || it.ledger.endings.size === 10)
  }
  const fates = (offset: number) => [1, 2].map((id) => it.ledger.fatesOf(it.ledger.lane(topic, 0), id, offset))
  assert.deepEqual(fates(2), [['dead letter value_refused'], ['dead letter value_refused']])
  assert.deepEqual(fates(3), [['transaction'], ['transaction']])
  assert.equal(it.ledger.lane(topic, 0).nextOffset, 6)
  await it.coordinator.stop(100)
})

for (const residentMax of [1000, 0]) {
  test(`given refused admissions in one line, ${residentMax} of it in memory, then none is ever run`, async () => {
    const it = await world({ workflows: [keyed], limits: { residentMax } })
    it.intake.batchMax = 8
    for (let n = 0; n < 8; n++) it.kafka.produce(0, { json: { key: 'k', text: n < 6 ? poison : 'fine' } })
    await eventually('the first good one', it, () => it.workers.waiting.length === 1)
    await it.workers.answerAll()
    await eventually('the second', it, () => it.workers.waiting.length === 1)
    await it.workers.answerAll()
    await eventually('the endings', it, () => it.ledger.endings.size === 2)
    assert.deepEqual(it.workers.seen, ['work#6', 'work#7'])
    assert.equal(it.ledger.tables.letters.size, 6)
    await it.coordinator.stop(100)
  })
}

test('given a record that can be written in no way, then the coordinator breaks and does not pass it', async () => {
  const it = await world()
  const { commit } = it.ledger.port
  it.ledger.port.commit = async (batch) => {
    const guilty = batch.deadLetters.length > 0 || batch.transactions.some((row) => row.envelope.includes(poison))
    if (!guilty) return commit(batch)
    const { EngineError } = await import('../../src/base/error.ts')
    throw new EngineError('ledger_refused', 'no')
  }
  it.kafka.produce(0, { json: poison })
  it.kafka.produce(0, { json: 'fine' })
  const error = await Promise.race([it.coordinator.failed, settled(500).then(() => null)])
  assert.match(String(error), /no/)
  assert.equal(it.ledger.lane(topic, 0).nextOffset, 0)
  await it.coordinator.stop(0)
})

test('given a lane that was taken, when an outcome comes, then it is refused, and the lane is opened again', async () => {
  const it = await world({ workflows: [keyed] })
  for (let n = 0; n < 2; n++) it.kafka.produce(0, { json: { key: 'k' } })
  await eventually('the first', it, () => it.workers.waiting.length === 1)
  it.ledger.steal(topic, 0)
  const epoch = it.ledger.lane(topic, 0).epoch
  await it.workers.answerAll()
  await eventually('the opening', it, () => it.ledger.lane(topic, 0).epoch > epoch)
  assert.equal(it.ledger.attempts.length, 0)
  await eventually('the first again', it, () => it.workers.waiting.length === 1)
  assert.deepEqual(it.workers.seen, ['work#0', 'work#0'])
  await it.coordinator.stop(0)
})

test('given a lane that was taken, when a timer is due, then nothing of it is performed', async () => {
  const it = await world({ workflows: [keyed], limits: { reopenPauseMs: { first: 60_000, most: 60_000 } } })
  it.kafka.produce(0, { json: { key: 'k' } })
  await eventually('the first', it, () => it.workers.waiting.length === 1)
  await it.workers.answerAll(() => ({ outcome: 'retry', retryAfterMs: 40 }))
  await eventually('its attempt', it, () => it.ledger.attempts.length === 1)
  it.ledger.steal(topic, 0)
  await new Promise((resolve) => setTimeout(resolve, 80))
  assert.deepEqual(it.workers.seen, ['work#0'])
  await it.coordinator.stop(0)
})

test('given a lane that was taken while others were not, then theirs goes through in the same commit', async () => {
  const it = await world({ partitions: 2, limits: { reopenPauseMs: { first: 60_000, most: 60_000 } } })
  for (const partition of [0, 1]) it.kafka.produce(partition, { json: 1 })
  await eventually('both', it, () => it.workers.waiting.length === 2)
  it.ledger.steal(topic, 0)
  await it.workers.answerAll()
  await eventually('the other', it, () => it.ledger.endings.size === 1)
  assert.equal([...it.ledger.endings.values()][0]?.laneId, it.ledger.lane(topic, 1).laneId)
  await it.coordinator.stop(0)
})

test('given a revoked lane, then what runs may end within the budget, and what is later is refused', async () => {
  const it = await world({ partitions: 2, limits: { handoverMs: 100 } })
  for (const partition of [0, 1]) it.kafka.produce(partition, { json: 1 })
  await eventually('both', it, () => it.workers.waiting.length === 2)
  for (const partition of [0, 1]) it.kafka.produce(partition, { json: 2 })
  await eventually('all four', it, () => it.workers.waiting.length === 4)
  it.intake.assign([1])
  const [inTime] = it.workers.waiting
  it.workers.answer(inTime!)
  await eventually('its end', it, () => it.ledger.endings.size === 1)
  await eventually('the release', it, () => it.ledger.lane(topic, 0).session === null)
  assert.equal(it.workers.cancelled.length, 1)
  await it.workers.answerAll()
  await eventually('those of the kept lane', it, () => it.ledger.endings.size === 3)
  await settled()
  assert.equal(it.ledger.endings.size, 3)
  await it.coordinator.stop(0)
})

test('given an outage that does not end, when stopped, then it gives up after its budget', async () => {
  const it = await world()
  it.ledger.faults.push(...Array.from({ length: 100_000 }, () => 'outage' as const))
  it.kafka.produce(0, { json: 1 })
  await settled(50)
  const from = performance.now()
  await it.coordinator.stop(50)
  assert.ok(performance.now() - from < 2000)
  assert.equal(it.ledger.transactions.size, 0)
})

test('given an outage while the last commit’s return is written, then it is written later', async () => {
  const it = await world({ limits: { renewEveryMs: 10 } })
  it.ledger.completeFaults = 2
  it.kafka.produce(0, { json: 1 })
  await eventually('the step', it, () => it.workers.waiting.length === 1)
  await eventually('every return', it, () =>
    it.ledger.asked.every(({ batch }) => it.ledger.tables.commits.get(batch.commitId)?.returnedUs),
  )
  await it.coordinator.stop(0)
})
