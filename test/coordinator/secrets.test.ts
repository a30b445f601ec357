/** What a lane makes of records with secret fields: rows in which nothing of them can be read, transactions that have them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Place, type Reading, type ReadingRoom, read } from '../../src/coordinator/arrival.ts'
import { called } from '../../src/coordinator/call.ts'
import { catalogueOf } from '../../src/coordinator/catalogue.ts'
import { recall } from '../../src/envelope/decode.ts'
import type { RawRecord } from '../../src/envelope/record.ts'
import { createSealer } from '../../src/envelope/seal.ts'
import { withOpened } from '../../src/envelope/sealed-fields.ts'
import { isSealedRecord, openedRecord, sealedRecord } from '../../src/envelope/sealed-value.ts'
import { handedOn } from '../../src/telemetry/trace/traces.ts'
import { planFromSource } from '../../src/workflow/parse.ts'

const canary = 'canary-4111-1111'
const sealer = createSealer('a long random text')
const steps = `steps: [{ id: s, uses: f, with: '\${{ event.data.card }}' }]`
const classify = 'classify: { data.card: secret, meta.x-card: secret }'
const secret = `name: w\non: { kafka: t }\nkey: event.data.key\n${classify}\ndeadLetter: { failed: true }\n${steps}`
const plain = 'name: w\non: { kafka: t }\nsteps: [{ id: s, uses: f }]'
const waiter = `name: w\non: { kafka: other }\nsignals: { t: { classify: { data.card: secret } } }\nsteps: [{ id: s, wait: { topic: t, key: event.key } }]`

function roomOf(...sources: string[]): ReadingRoom {
  const plans = sources.map((source, at) => planFromSource(source, `w${at}.yaml`))
  const ids = new Map(plans.map(({ version }, at) => [version, { workflowId: at, versionId: at }]))
  return { catalogue: catalogueOf(plans, ids), sealer, valueBytesMax: 1000, traces: handedOn }
}

const place: Place = {
  origin: { engine: 'e', topic: 't', incarnation: '', partition: 0, offset: 7 },
  subscriptions: new Map([['w', 0]]),
  admittedUs: 1_777_629_600_000_000,
  gone: [],
  redrivenFrom: null,
}

function recordOf(value: string): RawRecord {
  const headers = [{ name: 'X-Card', value: Buffer.from(canary) }]
  return { offset: 7, key: Buffer.from('k'), value: Buffer.from(value), headers, timestampUs: 1, fetchedUs: 1 }
}

/** All that would be written of it. */
function written({ rows, deadLetters, signals, messages }: Reading): string {
  const bytes = (_: string, value: unknown) =>
    (value as { type?: string } | null)?.type === 'Buffer'
      ? Buffer.from((value as { data: number[] }).data).toString('latin1')
      : value
  return JSON.stringify({ rows, deadLetters, signals, messages }, bytes)
}

test('what is admitted is written without them, and holds them', () => {
  const reading = read(recordOf(JSON.stringify({ card: canary, key: 'a' })), place, roomOf(secret))
  const [transaction] = reading.transactions
  const [row] = reading.rows
  assert.ok(transaction && row && !written(reading).includes(canary), written(reading))
  assert.deepEqual(transaction.envelope.data, { card: '[secret]', key: 'a' })
  const { with: input } = transaction.plan.steps[0] as never as { with: { render(scope: object): unknown } }
  assert.equal(input.render({ event: transaction.envelope, steps: {} }), canary)
  const again = withOpened(recall(row.envelope, row.eventId), transaction.plan.secrets, sealer, transaction.id)
  assert.equal(input.render({ event: again, steps: {} }), canary)
})

const lost: readonly [string, string, string][] = [
  ['no JSON', `{"card": ${canary}`, 'value_not_json'],
  ['without its key', JSON.stringify({ card: canary }), 'expression_failed'],
]
for (const [what, value, code] of lost) {
  test(`a record that is ${what} is a dead letter that only a redrive can read`, () => {
    const record = recordOf(value)
    const reading = read(record, place, roomOf(secret))
    const [letter] = reading.deadLetters
    assert.equal(letter?.code, code)
    assert.ok(!written(reading).includes(canary), written(reading))
    const headers = Object.entries(JSON.parse(letter.headers)).map(([name, text]) => ({
      name,
      value: Buffer.from(String(text)),
    }))
    const opened = openedRecord({ value: letter.value, headers }, sealer)
    assert.deepEqual([opened.value, opened.headers], [record.value, record.headers])
  })
}

test('an event that is kept for those who wait is kept without them', () => {
  const reading = read(recordOf(JSON.stringify({ card: canary, n: 1 })), place, roomOf(waiter))
  assert.deepEqual(JSON.parse(reading.signals[0]?.text ?? '{}').data, { card: '[secret]', n: 1 })
  assert.ok(!written(reading).includes(canary))
})

test('what comes sealed is read by those who know what in it is secret, and by no others', () => {
  const record = sealedRecord(recordOf(JSON.stringify({ card: canary, key: 'a' })), new Set(['x-card']), sealer)
  assert.equal(read(record, place, roomOf(secret)).transactions.length, 1)
  for (const source of [plain, waiter.replace(/signals.*\n/, '')]) {
    const reading = read(record, place, roomOf(source))
    assert.deepEqual([reading.transactions.length, reading.signals.length], [0, 0])
    assert.equal(reading.deadLetters[0]?.code, 'not_classified')
    assert.ok(!written(reading).includes(canary), written(reading))
  }
})

test('a letter of a record that came sealed is the record as it came', () => {
  const record = sealedRecord(recordOf(`no JSON ${canary}`), new Set(), sealer)
  const [letter] = read(record, place, roomOf(secret)).deadLetters
  assert.deepEqual(letter?.value, record.value)
  assert.ok(isSealedRecord(record))
})

test('a call gives them to a workflow that keeps them so, and to no other', () => {
  const caller = `name: w\non: { kafka: t }\nkey: event.data.key\n${classify}\nsteps: [{ id: s, call: c, with: { list: ['\${{ event.data.card }}'] } }]`
  const callee = (more: string) => `name: c\n${more}${steps}`
  const data = JSON.stringify({ list: [canary] })
  for (const more of ['classify: { data.list: secret }\n', '']) {
    const room = roomOf(caller, callee(more))
    const [parent] = read(recordOf(JSON.stringify({ card: canary, key: 'a' })), place, room).transactions
    assert.ok(parent)
    const ref = { id: parent.id, step: 0, item: '' }
    const childId = '01a210a0-32b4-807b-96e2-faa3eaa3c9a1'
    const made = called(parent, { type: 'Admit', childId, workflow: 'c', parent: ref, data, atUs: 2 }, room)
    assert.ok(!('row' in made ? made.row.envelope : JSON.stringify(made)).includes(canary))
    if ('row' in made) assert.deepEqual(made.child.envelope.data, { list: '[secret]' })
    else assert.equal(made.end.error?.code, 'not_classified')
    assert.equal('row' in made, more !== '')
  }
})
