/** Messages of a lane are numbered as they are written: whoever reads on from a number misses none, whatever becomes of commits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from './fake-ledger.ts'
import { poison } from './fake-ledger.ts'
import { eventually, topic, type World, world } from './world.ts'

const publishing = `
name: publishing
on: { kafka: { topic: ${topic} } }
publish:
  completed: { topic: out, value: "\${{ event.data }}" }
  failed: { topic: out, value: { failed: "\${{ event.data }}" } }
steps:
  - { id: work, uses: work, publish: { topic: out, value: "\${{ steps.work.output }}" } }
`

/** In the order in which they became visible. */
function written({ ledger }: World) {
  return ledger.asked.filter(({ ended }) => ended === 'committed').flatMap(({ batch }) => batch.messages)
}

async function run(faults: readonly Fault[], outputs: readonly string[]) {
  const it = await world({ workflows: [publishing] })
  for (const n of outputs.keys()) it.kafka.produce(0, { json: n })
  await eventually('all to be asked for', it, () => it.workers.waiting.length === outputs.length)
  it.ledger.faults.push(...faults)
  await it.workers.answerAll(({ transactionId }) => ({
    output: outputs[it.ledger.transactions.get(transactionId)?.offset ?? 0] ?? null,
  }))
  await eventually('the endings', it, () => it.ledger.endings.size === outputs.length)
  await it.coordinator.stop(100)
  return written(it).map(({ seq, value }) => `${seq} ${value}`)
}

test('given commits that fail in every way, then numbers are neither left out nor given twice', async () => {
  for (const fault of ['conflict', 'outage', 'unknown_landed', 'unknown_not_landed'] as const) {
    assert.deepEqual(await run([fault], ['"a"', '"b"']), ['1 "a"', '2 0', '3 "b"', '4 1'], fault)
  }
})

test('given a refused value between others, then what is written in its place is numbered before those behind it', async () => {
  const lines = await run([], ['"a"', `"${poison}"`, '"c"'])
  assert.deepEqual(lines, ['1 "a"', '2 0', '3 {"failed":1}', '4 "c"', '5 2'])
})
