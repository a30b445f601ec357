// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here are workflow files
/** Steps without effects go ahead of their commit; whatever has effects waits, and what is undone leaves nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Invocation } from '../../src/coordinator/ports.ts'
import { poison } from './fake-ledger.ts'
import { eventually, settled, topic, type World, type WorldOptions, world } from './world.ts'

/** Two that only compute, and one that acts on what they found. */
const chain = `
name: chain
on: { kafka: { topic: ${topic} } }
key: event.data.?key.orValue(null)
deduplicate: { by: event.data.?same.orValue(null), within: 1h }
steps:
  - { id: a, uses: pure, optional: true }
  - { id: b, uses: pure, with: { a: '\${{ steps.a.output }}' } }
  - { id: c, uses: work, with: { b: '\${{ steps.b.output }}' } }
`

async function ahead(options: WorldOptions = {}): Promise<World & { open(): void }> {
  const it = await world({ workflows: [chain], ...options })
  it.workers.effectFree.add('pure')
  let open = () => {}
  it.ledger.gate = new Promise((resolve) => (open = resolve))
  return Object.assign(it, {
    open() {
      it.ledger.gate = undefined
      open()
    },
  })
}

async function asked(it: World, step: string): Promise<Invocation> {
  const found = () => it.workers.waiting.find((each) => each.step === step)
  await eventually(`${step} to be asked for`, it, () => found() !== undefined)
  return found() as Invocation
}

async function answer(it: World, step: string, output: string): Promise<Invocation> {
  const invocation = await asked(it, step)
  it.workers.answer(invocation, { output })
  return invocation
}

test('given a commit that does not return, then steps without effects run on, and one with effects waits', async () => {
  const it = await ahead()
  it.kafka.produce(0, { json: {} })
  await answer(it, 'a', '1')
  await answer(it, 'b', '2')
  await settled(50)
  assert.deepEqual(it.workers.seen, ['a#ahead', 'b#ahead'])
  assert.equal(it.ledger.transactions.size, 0)
  it.open()
  const { ahead: goes, input } = await asked(it, 'c')
  assert.deepEqual([goes, input], [false, '{"b":2}'])
  assert.equal(it.ledger.asked.length, 2)
  await answer(it, 'c', '3')
  await eventually('its end', it, () => it.ledger.endings.size === 1)
  const rows = it.ledger.attempts.map(({ step, attempt, output }) => `${step}#${attempt} ${output}`)
  assert.deepEqual(rows, ['0#1 1', '1#1 2', '2#1 3'])
  const [, b] = it.ledger.attempts
  const [admission] = [...it.ledger.tables.commits.values()]
  assert.ok(b!.eligibleUs! <= admission!.returnedUs!, 'b was not eligible before the commit before it returned')
  await it.coordinator.stop(0)
})

test('given a value that is refused, then what was built on it is undone, and its late result is not taken', async () => {
  const it = await ahead()
  it.kafka.produce(0, { json: {} })
  await answer(it, 'a', `"${poison}"`)
  const undone = await asked(it, 'b')
  assert.equal(undone.input, `{"a":"${poison}"}`)
  it.open()
  await eventually('it to be cancelled', it, () => it.workers.cancelled.includes(undone.id))
  await eventually('b to be asked for again', it, () => it.workers.waiting.length === 2)
  const again = it.workers.waiting.find((each) => each !== undone) as Invocation
  assert.deepEqual([again.step, again.attempt, again.input], ['b', 1, '{"a":null}'])
  it.workers.answer(undone, { output: '"of the undone"' })
  await settled(50)
  it.workers.answer(again, { output: '"of the other"' })
  assert.equal((await asked(it, 'c')).input, '{"b":"of the other"}')
  assert.deepEqual(
    it.ledger.attempts.map(({ step, outcome, output }) => [step, outcome, output]),
    [
      [0, 'fail', null],
      [1, 'ok', '"of the other"'],
    ],
  )
  await it.coordinator.stop(0)
})

test('given a late result that waits to be folded, when its ground is undone, then it is not taken', async () => {
  const it = await ahead({ limits: { eventsPerCommitMax: 1 } })
  for (let n = 0; n < 2; n++) it.kafka.produce(0, { json: { n } })
  await eventually('both', it, () => it.workers.waiting.length === 2)
  const [guilty, other] = it.workers.waiting as [Invocation, Invocation]
  it.workers.answer(guilty, { output: `"${poison}"` })
  await asked(it, 'b')
  it.workers.answer(other, { output: '1' })
  await answer(it, 'b', '"of the undone"')
  it.open()
  await eventually('b of both', it, () => it.workers.waiting.filter(({ step }) => step === 'b').length === 2)
  for (const each of [...it.workers.waiting]) it.workers.answer(each, { output: '"of the other"' })
  await eventually('c of both', it, () => it.workers.waiting.filter(({ step }) => step === 'c').length === 2)
  assert.deepEqual(
    it.ledger.attempts.filter(({ step }) => step === 1).map(({ output }) => output),
    ['"of the other"', '"of the other"'],
  )
  await it.coordinator.stop(0)
})

test('given a refused value whose transaction had run to its end, then nothing of that is written', async () => {
  const it = await ahead({ workflows: [chain.replace('uses: work', 'uses: pure')] })
  for (let n = 0; n < 2; n++) it.kafka.produce(0, { json: { key: 'k' } })
  await answer(it, 'a', `"${poison}"`)
  await answer(it, 'b', '1')
  await answer(it, 'c', '2')
  await settled(50)
  assert.deepEqual(it.workers.seen, ['a#ahead', 'b#ahead', 'c#ahead'], 'who stands behind it waits')
  it.open()
  for (const output of ['3', '4']) await answer(it, output === '3' ? 'b' : 'c', output)
  await answer(it, 'a', '5')
  await eventually('its end', it, () => it.ledger.endings.size === 1)
  const outputs = it.ledger.attempts.map(({ output }) => output)
  assert.deepEqual(outputs.slice(0, 3), [null, '3', '4'])
  await it.workers.answerAll()
  await it.coordinator.stop(0)
})

test('given a copy, then what it ran ahead of its admission leaves nothing', async () => {
  const it = await ahead()
  for (let n = 0; n < 2; n++) it.kafka.produce(0, { json: { same: 'x', n } })
  await answer(it, 'a', '"first"')
  it.open()
  const copied = await asked(it, 'a')
  it.workers.answer(copied, { output: '"copy"' })
  await eventually('the copy', it, () => it.ledger.tables.duplicates.size === 1)
  await answer(it, 'b', '1')
  await answer(it, 'c', '2')
  await eventually('the end of the first', it, () => it.ledger.endings.size === 1)
  await settled(50)
  assert.ok(it.ledger.attempts.every(({ transactionId }) => it.ledger.transactions.has(transactionId)))
  assert.equal(it.ledger.transactions.size, 1)
  await it.coordinator.stop(0)
})

test('given a function that has effects by now, then it is asked for once its commit has returned, and no row tells', async () => {
  const it = await ahead()
  it.kafka.produce(0, { json: {} })
  const first = await asked(it, 'a')
  it.workers.effectFree.clear()
  it.workers.answer(first, { outcome: 'lost', errorCode: 'not_effect_free', output: null })
  await settled(50)
  assert.equal(it.workers.waiting.length, 0)
  it.open()
  const second = await asked(it, 'a')
  assert.deepEqual([second.ahead, second.attempt], [false, 1])
  assert.deepEqual(it.ledger.attempts, [])
  await it.coordinator.stop(0)
})

test('given a transaction whose failure becomes a dead letter, then what comes of it waits for its admission to be sent', async () => {
  const it = await ahead({ workflows: [chain.replace('steps:', 'deadLetter: { failed: true }\nsteps:')] })
  it.kafka.produce(0, { json: { n: 1 } })
  await asked(it, 'a')
  it.kafka.produce(0, { json: { n: 2 } })
  await eventually('the second', it, () => it.workers.waiting.length === 2)
  it.workers.answer(it.workers.waiting[1] as Invocation)
  await settled(50)
  assert.deepEqual(it.workers.seen, ['a#ahead', 'a#ahead'])
  it.open()
  it.workers.answer(await asked(it, 'b'), { outcome: 'fail', errorCode: 'no', output: null })
  await eventually('its dead letter', it, () => it.ledger.tables.letters.size === 1)
  assert.equal([...it.ledger.tables.letters.values()][0]?.offset, 1)
  await it.coordinator.stop(0)
})

test('given a stop, then nothing more goes ahead', async () => {
  const it = await ahead()
  it.kafka.produce(0, { json: {} })
  const first = await asked(it, 'a')
  const stopped = it.coordinator.stop(5000)
  it.workers.answer(first, { output: '1' })
  await settled(50)
  it.open()
  await stopped
  assert.deepEqual(it.workers.seen, ['a#ahead'])
  assert.equal(it.ledger.attempts.length, 1)
})
