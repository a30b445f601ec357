/** The demo’s last words. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paintFor } from '../../demo/paint.ts'
import { queries } from '../../demo/queries.ts'
import { type SummaryData, summary } from '../../demo/summary.ts'

const data: SummaryData = {
  seed: '1',
  published: 1000,
  tookMs: 4321,
  states: { completed: 880, failed: 80 },
  deadLetters: 40,
  endings: {
    rows: [
      { fate: 'good', title: 'as it should be', expected: 'completed', published: 840, asExpected: 840, otherwise: {} },
      {
        fate: 'token_expired',
        title: 'token expired',
        expected: 'failed token_expired',
        published: 20,
        asExpected: 19,
        otherwise: { 'failed timeout': 1 },
      },
    ],
    asExpected: false,
    eachOnce: true,
  },
  channels: [
    { title: 'Kafka, JSON', sent: 900, answered: null },
    { title: 'HTTP, a web page', sent: 100, answered: null },
    { title: 'all over HTTP', sent: 100, answered: { count: 100, located: 96, p50: 45.61, p99: 212.2 } },
  ],
  latency: [
    { name: 'whole', count: 960, p50: 123.4, p95: 1234.5, p99: 2000 },
    { name: 'bill', count: 900, p50: 3.149, p95: 45.67, p99: null },
  ],
  money: [
    { currency: 'EUR', billed: 123456n, paid: 123456n },
    { currency: 'JPY', billed: 5990n, paid: 5990n },
    { currency: 'KWD', billed: 1237n, paid: 1237n },
  ],
  comparison: {
    agrees: false,
    differences: [{ kind: 'differs', transactionId: 'tx-1', text: 'the book has no charge' }],
    movements: 3600,
  },
  openSessions: 0,
  traces: { heard: 900, traced: 900 },
  queries,
}

const plain = paintFor({ isTTY: false }, {})

test('says all of it in aligned columns', () => {
  const text = summary(data, plain)
  assert.equal(
    text.split('\nQueries to try')[0],
    `Millrace demo
  1,000 events, all ended after 4.3 s (231 a second), seed 1

Transactions by state
  completed     880
  failed         80
  dead letters   40

Which way they came
  Kafka, JSON       900
  HTTP, a web page  100
  100 of 100 over HTTP were answered, 96 with where their film is: p50 45.6 ms, p99 212 ms

Wrong on purpose, and what became of it
  request          should end            published  did so
  as it should be  completed                   840     840
  token expired    failed token_expired         20      19  1 failed timeout

Latency
         count      p50       p95       p99
  whole    960   123 ms  1,235 ms  2,000 ms
  bill     900  3.15 ms   45.7 ms         -

Money
         billed      paid
  EUR  1,234.56  1,234.56
  JPY     5,990     5,990
  KWD     1.237     1.237

Agreement
  yes the ledger has each published event exactly once
  NO  each request ended as it should
  NO  the ledger agrees with the payment provider’s book, 3,600 movements of money
  yes every session that was started is ended
  yes one trace leads from each request to what was published: 900 of 900 locations
  - tx-1: the book has no charge
`,
  )
  assert.ok(queries.every(({ sql }) => text.includes(sql.split('\n')[0]!)))
})

test('is coloured on a terminal alone, and never against NO_COLOR', () => {
  assert.ok(summary(data, paintFor({ isTTY: true }, {})).includes('\u001b[31mNO '))
  assert.equal(summary(data, paintFor({ isTTY: true }, { NO_COLOR: '1' })), summary(data, plain))
  assert.equal(summary(data, plain).includes('\u001b'), false)
})
