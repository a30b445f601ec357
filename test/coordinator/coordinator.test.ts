/** The loop and its lanes: what is taken when, and what becomes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planFromSource } from '../../src/workflow/parse.ts'
import { eventually, keyed, oneStep, settled, topic, type World, world } from './world.ts'

test('given one record, when its step is done, then admission, attempt and ending are rows, once', async () => {
  const it = await world()
  it.kafka.produce(0, { json: { n: 1 } })
  await eventually('the invocation', it, () => it.workers.waiting.length === 1)
  await it.workers.answerAll()
  await eventually('the ending', it, () => it.ledger.endings.size === 1)
  assert.deepEqual(it.workers.seen, ['work#0'])
  assert.equal(it.ledger.transactions.size, 1)
  assert.deepEqual(
    it.ledger.attempts.map(({ attempt, outcome, stepState }) => ({ attempt, outcome, stepState })),
    [{ attempt: 1, outcome: 'ok', stepState: 'ok' }],
  )
  assert.equal(it.ledger.lane(topic, 0).nextOffset, 1)
  await it.coordinator.stop(100)
})

test('given records of two keys, when one key is slow, then the other goes on, and each keeps its order', async () => {
  const it = await world({ workflows: [keyed] })
  for (const key of ['slow', 'fast', 'slow', 'fast', 'fast']) it.kafka.produce(0, { json: { key } })
  await eventually('both to start', it, () => it.workers.waiting.length === 2)
  const fast = () => it.workers.waiting.find((each) => it.ledger.transactions.get(each.transactionId)?.key === 'fast')
  for (let n = 1; n <= 3; n++) {
    await eventually('the next fast one', it, () => fast() !== undefined)
    it.workers.answer(fast()!)
    await eventually('its ending', it, () => it.ledger.endings.size === n)
  }
  assert.deepEqual(it.workers.seen, ['work#0', 'work#1', 'work#3', 'work#4'])
  await it.workers.answerAll()
  await eventually('the second slow one', it, () => it.workers.seen.at(-1) === 'work#2')
  await it.coordinator.stop(0)
})

test('given a failing key, when its delay runs, then the one behind waits for the last attempt', async () => {
  const it = await world({ workflows: [keyed] })
  for (let n = 0; n < 2; n++) it.kafka.produce(0, { json: { key: 'k' } })
  for (let attempt = 1; attempt <= 2; attempt++) {
    await eventually(`attempt ${attempt}`, it, () => it.workers.waiting.length === 1)
    await it.workers.answerAll(() => ({ outcome: 'retry', errorCode: 'not_yet' }))
  }
  await eventually('the second', it, () => it.workers.seen.length === 3)
  assert.deepEqual(it.workers.seen, ['work#0', 'work#0@2', 'work#1'])
  assert.equal([...it.ledger.endings.values()][0]?.errorCode, 'not_yet')
  await it.coordinator.stop(0)
})

test('given more behind one key than queuedMax, then the partition pauses, and resumes as the line gets shorter', async () => {
  const it = await world({ workflows: [keyed], limits: { queuedMax: 10, waitingRecordsMax: 10 } })
  for (let n = 0; n < 100; n++) it.kafka.produce(0, { json: { key: 'k' } })
  await eventually('the pause', it, () => it.intake.paused.has(0))
  await settled()
  assert.ok(it.ledger.transactions.size <= 12, `${it.ledger.transactions.size} were admitted`)
  for (let ended = 1; ended <= 100; ended++) {
    await eventually('the next', it, () => it.workers.waiting.length === 1)
    await it.workers.answerAll()
    await eventually('its ending', it, () => it.ledger.endings.size === ended)
  }
  assert.ok(it.intake.said.includes('resume 0'))
  await it.coordinator.stop(100)
})

test('given a paused partition, when the group assigns it again, then it is still paused', async () => {
  const it = await world({ workflows: [keyed], limits: { queuedMax: 5, waitingRecordsMax: 10 } })
  for (let n = 0; n < 500; n++) it.kafka.produce(0, { json: { key: 'k' } })
  await eventually('the pause', it, () => it.intake.paused.has(0))
  await settled()
  const { positions } = it.intake
  const before = positions.get(0) as number
  for (let n = 0; n < 5; n++) it.intake.assign([0])
  await settled(200)
  assert.ok(positions.get(0)! <= before + 7, `read on from ${before} to ${positions.get(0)}`)
  await it.coordinator.stop(0)
})

test('given runningMax, then no more run at once, and the next is taken as one ends', async () => {
  const it = await world({ limits: { runningMax: 3 } })
  for (let n = 0; n < 8; n++) it.kafka.produce(0, { json: n })
  await eventually('the first three', it, () => it.workers.waiting.length === 3)
  await settled()
  assert.equal(it.workers.waiting.length, 3)
  it.workers.answer(it.workers.waiting[1]!)
  await eventually('the fourth', it, () => it.workers.seen.length === 4)
  await settled()
  assert.equal(it.workers.waiting.length, 3)
  await it.coordinator.stop(0)
})

test('given a lane that holds every slot, when it is revoked, then the others take them', async () => {
  const it = await world({ partitions: 2, limits: { runningMax: 2, waitingRecordsMax: 2 } })
  for (let n = 0; n < 2; n++) it.kafka.produce(0, { json: n })
  await eventually('both slots taken', it, () => it.workers.waiting.length === 2)
  it.kafka.produce(1, { json: 0 })
  await settled()
  assert.equal(it.workers.seen.length, 2)
  it.intake.assign([1])
  await eventually('the other lane', it, () => it.workers.seen.length === 3)
  await it.coordinator.stop(0)
})

test('given a commit under way, then nothing of it is asked of workers before it has returned', async () => {
  const it = await world()
  let open = () => {}
  it.ledger.gate = new Promise((resolve) => (open = resolve))
  it.kafka.produce(0, { json: 1 })
  await settled(50)
  assert.deepEqual(it.workers.seen, [])
  it.ledger.gate = undefined
  open()
  await eventually('the invocation', it, () => it.workers.seen.length === 1)
  await it.coordinator.stop(0)
})

test('given attempts under way, when stopped, then nothing new starts and what comes back is committed', async () => {
  const it = await world({ workflows: [twoSteps] })
  it.kafka.produce(0, { json: 1 })
  await eventually('the first step', it, () => it.workers.waiting.length === 1)
  const stopped = it.coordinator.stop(5000)
  it.kafka.produce(0, { json: 2 })
  await settled()
  await it.workers.answerAll()
  await stopped
  assert.deepEqual(it.workers.seen, ['first#0'])
  assert.equal(it.ledger.attempts.length, 1)
  assert.equal(it.ledger.endings.size, 0)
  assert.equal(it.ledger.lane(topic, 0).nextOffset, 1)
})

test('given an attempt that never ends, when stopped, then it gives up after its budget', async () => {
  const it = await world()
  it.kafka.produce(0, { json: 1 })
  await eventually('the step', it, () => it.workers.waiting.length === 1)
  const from = performance.now()
  await it.coordinator.stop(30)
  assert.ok(performance.now() - from < 2000)
  await it.coordinator.stop(30)
})

test('given half-done work, when another life opens the lane, then it goes on where it stood', async () => {
  const first = await world({ workflows: [twoSteps] })
  for (let n = 0; n < 2; n++) first.kafka.produce(0, { json: n })
  await eventually('both', first, () => first.workers.waiting.length === 2)
  first.workers.answer(first.workers.waiting[0]!, { output: '{"a":1}' })
  await eventually('the second step', first, () => first.workers.seen.includes('second#0'))
  await first.coordinator.stop(0)
  const next = await world({ workflows: [twoSteps], kafka: first.kafka, ledger: first.ledger })
  await eventually('both again', next, () => next.workers.waiting.length === 2)
  assert.deepEqual(next.workers.seen.toSorted(), ['first#1', 'second#0'])
  assert.equal(next.workers.waiting.find((each) => each.step === 'second')?.input, '{"a":1}')
  while (next.ledger.endings.size < 2) {
    await next.workers.answerAll()
    await settled(5)
  }
  await next.coordinator.stop(0)
})

test('given holes in the offsets, then they are passed as absent; what was read is not read again', async () => {
  const it = await world()
  it.kafka.produce(0, { json: 1, offset: 0 })
  it.kafka.produce(0, { json: 2, offset: 4 })
  await eventually('both', it, () => it.workers.seen.length === 2)
  assert.deepEqual(
    it.ledger.tables.passed.map(({ fromOffset, toOffset, reason }) => ({ fromOffset, toOffset, reason })),
    [{ fromOffset: 1, toOffset: 3, reason: 'absent' }],
  )
  it.intake.read({ topic, partition: 0 }, 0)
  await settled(50)
  assert.equal(it.ledger.transactions.size, 2)
  await it.coordinator.stop(0)
})

test('given an open lane, when a workflow is added, then it begins at the next record', async () => {
  const it = await world()
  it.kafka.produce(0, { json: 1 })
  await eventually('the first', it, () => it.workers.seen.length === 1)
  await it.coordinator.setPlans([planFromSource(oneStep, 'a'), planFromSource(twoSteps, 'b')])
  it.kafka.produce(0, { json: 2 })
  await eventually('both workflows', it, () => it.workers.seen.length === 3)
  assert.deepEqual(it.workers.seen.toSorted(), ['first#1', 'work#0', 'work#1'])
  assert.deepEqual([...it.ledger.lane(topic, 0).subscriptions.values()], [0, 1])
  await it.coordinator.stop(0)
})

test('given two workflows on one topic, when the key of one fails, then the other has its transaction', async () => {
  const it = await world({ workflows: [oneStep, keyed] })
  it.kafka.produce(0, { json: { key: [1] } })
  it.kafka.produce(0, { json: { key: 'k' } })
  await eventually('three', it, () => it.workers.seen.length === 3)
  const fates = (offset: number) => [1, 2].map((id) => it.ledger.fatesOf(it.ledger.lane(topic, 0), id, offset))
  assert.deepEqual(fates(0), [['transaction'], ['dead letter expression_failed']])
  assert.deepEqual(fates(1), [['transaction'], ['transaction']])
  await it.coordinator.stop(0)
})

test('given records that are no events, then each is a dead letter with its code, and the partition goes on', async () => {
  const it = await world({ limits: { valueBytesMax: 50 } })
  const values = [null, Buffer.from('{'), Buffer.from([0xff]), Buffer.alloc(51, 0x20), Buffer.from('1')]
  for (const value of values) it.kafka.produce(0, { value })
  await eventually('the good one', it, () => it.workers.seen.length === 1)
  assert.deepEqual(
    [...it.ledger.tables.letters.values()].map((row) => row.code),
    ['value_null', 'value_not_json', 'value_not_utf8', 'value_too_large'],
  )
  await it.coordinator.stop(0)
})

test('given a long line whose workflow has run out of time, when its turn comes, then each ends without being run', async () => {
  const lines = 6000
  const it = await world({ workflows: [hurried], limits: { waitingRecordsMax: 100_000 } })
  it.intake.batchMax = lines
  for (let n = 0; n < lines; n++) it.kafka.produce(0, { json: { key: 'k' } })
  await eventually('the line', it, () => it.coordinator.stats().queued === lines - 1)
  await new Promise((resolve) => setTimeout(resolve, 60))
  await it.workers.answerAll()
  await eventuallyEnded(it, lines)
  const codes = [...it.ledger.endings.values()].map((row) => row.errorCode)
  assert.equal(codes.filter((code) => code === 'transaction_timeout').length, lines - 1)
  assert.deepEqual(it.workers.seen, ['work#0'])
  await it.coordinator.stop(100)
})

async function eventuallyEnded(it: World, count: number): Promise<void> {
  await eventually(`${count} endings`, it, () => it.ledger.endings.size === count)
}

const twoSteps = `
name: two
on: { kafka: { topic: ${topic} } }
steps:
  - { id: first, uses: work }
  - { id: second, uses: work, with: '\${{ steps.first.output }}' }
`

const hurried = `
name: hurried
on: { kafka: { topic: ${topic} } }
key: event.data.key
timeout: 50ms
steps:
  - { id: work, uses: work }
`
