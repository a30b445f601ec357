/** What became of the requests is held against what should have. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareEndings, type Seen } from '../../demo/endings.ts'
import { type DemoRequest, makeRequests } from '../../demo/world/requests.ts'
import { makeWorld } from '../../demo/world/world.ts'

const requests = await makeRequests({ events: 60, world: await makeWorld({ seed: 1 }) })

test('all as expected', () => {
  const { rows, asExpected, eachOnce } = compareEndings(requests, requests.map(asItShould))
  assert.equal(asExpected, true)
  assert.equal(eachOnce, true)
  assert.equal(rows[0]!.fate, 'good')
  assert.equal(rows.length, 10)
})

test('tells what came instead', () => {
  const seen = requests.map(asItShould)
  const good = requests.findIndex(({ fate }) => fate === 'good')
  const declined = requests.findIndex(({ fate }) => fate === 'card_declined')
  const expired = requests.findIndex(({ fate }) => fate === 'token_expired')
  seen[good] = { ...seen[good]!, charged: { currency: 'EUR', amount: 1 } }
  seen[declined] = { ...seen[declined]!, end: 'completed', code: null }
  seen[expired] = { ...seen[expired]!, code: 'timeout' }
  const { rows, asExpected } = compareEndings(requests, seen)
  const otherwise = (fate: string) => rows.find((row) => row.fate === fate)!.otherwise
  assert.equal(asExpected, false)
  assert.deepEqual(otherwise('good'), { 'charged EUR 0.01': 1 })
  assert.deepEqual(otherwise('card_declined'), { completed: 1 })
  assert.deepEqual(otherwise('token_expired'), { 'dead letter timeout': 1 })
})

test('tells an event that is missing, doubled, or nobody’s', () => {
  const seen = requests.map(asItShould)
  const missing = compareEndings(requests, seen.slice(1))
  assert.equal(missing.eachOnce, false)
  assert.deepEqual(missing.rows.find(({ fate }) => fate === requests[0]!.fate)!.otherwise, { 'not in the ledger': 1 })
  const doubled = compareEndings(requests, [...seen, seen[0]!])
  assert.equal(doubled.eachOnce, false)
  assert.equal(compareEndings(requests, [...seen, { ...seen[0]!, eventId: 'stranger' }]).eachOnce, false)
})

function asItShould({ id, expect }: DemoRequest): Seen {
  return { eventId: id, end: expect.end, code: expect.code ?? null, charged: expect.charged }
}
