/** Records that need something found out: their lane waits for it in its order, and nobody else's does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../../src/base/error.ts'
import type { Preparer } from '../../src/coordinator/ports.ts'
import type { Json } from '../../src/envelope/json.ts'
import type { RawRecord } from '../../src/envelope/record.ts'
import { type Facts, subscribe } from '../../src/telemetry/channels.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import type { Plan } from '../../src/workflow/plan.ts'
import { eventually, oneStep, settled, topic, world } from './world.ts'

type Answer = Json | EngineError | ((plan: Plan) => Json | EngineError)

/** Asked about everything, it answers when the test says so. */
class HandPreparer implements Preparer {
  readonly asked: { readonly record: RawRecord; readonly plans: readonly Plan[]; readonly signal: AbortSignal }[] = []
  readonly #answers: ((answer: Answer) => void)[] = []

  isReady(record: RawRecord, plans: readonly Plan[]): boolean {
    return plans.every(({ version }) => record.prepared?.values.has(version))
  }

  /** Rejects with what is retryable. */
  async prepare(record: RawRecord, plans: readonly Plan[], _topic: string, signal: AbortSignal): Promise<void> {
    this.asked.push({ record, plans, signal })
    const answer = await new Promise<Answer>((resolve) => this.#answers.push(resolve))
    if (answer instanceof EngineError && answer.retryable) throw answer
    const answerFor = (plan: Plan) => (typeof answer === 'function' ? answer(plan) : answer)
    record.prepared = { values: new Map(plans.map((plan) => [plan.version, answerFor(plan)])), auth: new Map() }
  }

  answer(nth: number, answer: Answer): void {
    this.#answers[nth]?.(answer)
  }
}

const away = new EngineError('registry_outage', 'refused to connect', {
  retryable: true,
  details: { service: 'registry', address: 'http://registry' },
})

test('given answers in another order, then records are read in theirs, with what was found out', async () => {
  const preparer = new HandPreparer()
  const it = await world({ preparer })
  for (let n = 0; n < 3; n++) it.kafka.produce(0, { json: n })
  await eventually('all three', it, () => preparer.asked.length === 3)
  preparer.answer(2, 'third')
  preparer.answer(1, 'second')
  await settled(5)
  assert.deepEqual(it.workers.seen, [])
  preparer.answer(0, 'first')
  await eventually('all three', it, () => it.workers.seen.length === 3)
  assert.deepEqual(it.workers.seen, ['work#0', 'work#1', 'work#2'])
  const rows = [...it.ledger.transactions.values()].sort((one, other) => one.offset - other.offset)
  const data = rows.map((row) => JSON.parse(row.envelope).data)
  assert.deepEqual(data, ['first', 'second', 'third'])
})

test('given one that is refused, then it is a dead letter of the workflow that needed it', async () => {
  const preparer = new HandPreparer()
  const other = oneStep.replace('name: one', 'name: other')
  const it = await world({ preparer, workflows: [oneStep, other] })
  it.kafka.produce(0, { json: 1 })
  await eventually('it is asked', it, () => preparer.asked.length === 1)
  preparer.answer(0, ({ name }) => (name === 'one' ? new EngineError('schema_unknown', 'nobody knows it') : 'all well'))
  const fates = () => [1, 2].map((id) => it.ledger.fatesOf(it.ledger.lane(topic, 0), id, 0))
  await eventually('both fates', it, () => fates().every((each) => each.length === 1))
  assert.deepEqual(fates(), [['dead letter schema_unknown'], ['transaction']])
})

test('given a service that is away, then it is asked for ever, told once, and shown as the reason of the lane', async () => {
  const outages: Facts['outage'][] = []
  const recoveries: Facts['recovered'][] = []
  const off = [
    subscribe('outage', (fact) => outages.push(fact)),
    subscribe('recovered', (fact) => recoveries.push(fact)),
  ]
  const preparer = new HandPreparer()
  const it = await world({ preparer, limits: { preparingMsMax: 10_000 } })
  const reasons: (string | null | undefined)[] = []
  const { renew } = it.ledger.port
  it.ledger.port.renew = (last, lanes) => {
    reasons.push(lanes[0]?.paused)
    return renew(last, lanes)
  }
  it.kafka.produce(0, { json: 1 })
  it.kafka.produce(0, { json: 2 })
  for (let n = 0; n < 10; n++) {
    await eventually('both are asked', it, () => preparer.asked.length >= 2 * n + 2)
    preparer.answer(2 * n, away)
    preparer.answer(2 * n + 1, away)
    await settled(3)
  }
  await eventually('the reason', it, () => reasons.at(-1) !== null)
  assert.equal(reasons.at(-1), 'the record at offset 0 waits: refused to connect')
  assert.deepEqual([outages.length, recoveries.length, it.ledger.tables.letters.size], [1, 0, 0])
  assert.deepEqual(outages[0], { service: 'registry', address: 'http://registry', message: 'refused to connect' })
  await eventually('both are asked again', it, () => preparer.asked.length === 22)
  for (let n = 0; n < preparer.asked.length; n++) preparer.answer(n, n)
  await eventually('both', it, () => it.workers.seen.length === 2)
  assert.equal(recoveries.length, 1)
  for (const each of off) each()
})

test('given no answer in time, then it is a dead letter, and what is behind it goes on', async () => {
  const preparer = new HandPreparer()
  const it = await world({ preparer, limits: { preparingMsMax: 20 } })
  it.kafka.produce(0, { json: 1 })
  it.kafka.produce(0, { json: 2 })
  await eventually('both are asked', it, () => preparer.asked.length === 2)
  preparer.answer(1, 'second')
  await eventually('the second', it, () => it.workers.seen.length === 1)
  assert.deepEqual(it.ledger.fatesOf(it.ledger.lane(topic, 0), 1, 0), ['dead letter preparing_timeout'])
  assert.deepEqual(it.workers.seen, ['work#1'])
  assert.equal(preparer.asked[0]?.signal.aborted, true)
})

test('given more records than may be asked about at once, then the others follow', async () => {
  const preparer = new HandPreparer()
  const it = await world({ preparer, limits: { preparingMax: 4 } })
  for (let n = 0; n < 20; n++) it.kafka.produce(0, { json: n })
  await eventually('the first', it, () => preparer.asked.length === 4)
  await settled(5)
  assert.equal(preparer.asked.length, 4)
  for (let n = 0; n < 20; n++) {
    await eventually('the next', it, () => preparer.asked.length > n)
    const open = preparer.asked.length - n
    assert.ok(open <= 4, `${open} at once`)
    preparer.answer(n, n)
  }
  await eventually('all', it, () => it.workers.seen.length === 20)
})

test('given a lane that is taken away, then nobody waits for its records any more', async () => {
  const preparer = new HandPreparer()
  const it = await world({ preparer })
  it.kafka.produce(0, { json: 1 })
  await eventually('it is asked', it, () => preparer.asked.length === 1)
  it.intake.assign([])
  await eventually('it is given up', it, () => preparer.asked[0]?.signal.aborted === true)
  preparer.answer(0, 'too late')
  await settled(5)
  assert.deepEqual([it.workers.seen, it.ledger.transactions.size], [[], 0])
})

test('given workflows that are read again, then what is not read yet is found out for those', async () => {
  const preparer = new HandPreparer()
  const it = await world({ preparer })
  it.kafka.produce(0, { json: 1 })
  await eventually('it is asked', it, () => preparer.asked.length === 1)
  await it.coordinator.setPlans([planFromSource(`${oneStep}deadLetter: { failed: true }\n`, 'test')])
  preparer.answer(0, 'old')
  await eventually('it is asked again', it, () => preparer.asked.length === 2)
  preparer.answer(1, 'new')
  await eventually('it runs', it, () => it.workers.seen.length === 1)
  const [row] = [...it.ledger.transactions.values()]
  assert.equal(JSON.parse(row?.envelope ?? '{}').data, 'new')
})

test('given a dead letter that is redriven, then what it needs is found out first', async () => {
  const preparer = new HandPreparer()
  const it = await world({ preparer })
  it.kafka.produce(0, { json: 1 })
  await eventually('it is asked', it, () => preparer.asked.length === 1)
  preparer.answer(0, new EngineError('schema_unknown', 'nobody knows it'))
  await eventually('the letter', it, () => it.ledger.tables.letters.size === 1)
  const [letter] = [...it.ledger.tables.letters.values()]
  const ask = () =>
    it.ledger.tables.commands.ask({
      ...{ laneId: it.ledger.lane(topic, 0).laneId, kind: 'redrive', target: letter?.id ?? '', args: '{}' },
      ...{ askedBy: 'ann', why: null },
    })
  ask()
  await eventually('it is asked again', it, () => preparer.asked.length === 2)
  preparer.answer(1, 'known by now')
  await eventually('it runs', it, () => it.workers.waiting.length === 1)
  const [row] = [...it.ledger.transactions.values()]
  assert.deepEqual([JSON.parse(row?.envelope ?? '{}').data, row?.redrivenFrom], ['known by now', letter?.id])
})
