/**
 * Bad requests over real connections to a real door: each is answered once, with the status that it should have, within a second; what
 * was not answered 202 is not written, and what was is. The door answers good ones all the while.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Door } from '../../src/api/door.ts'
import type { NewRecord } from '../../src/api/ports.ts'
import { EngineError } from '../../src/base/error.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { type HttpCase, httpCases } from './http-cases.ts'

const hangMs = 1000
const bodyMsMax = 300
const step = 'steps: [{ id: s, uses: f }]'
const plans = [
  `name: open\non: { http: { path: "/films/{film}", maxBytes: 1KiB } }\n${step}\n`,
  `name: checked\non: { http: { path: /checked, schema: { type: object, required: [n], properties: { n: { type: integer, minimum: 0 } }, additionalProperties: false } } }\n${step}\n`,
  `name: xml\non: { http: { path: /xml, format: xml } }\n${step}\n`,
  `name: guarded\non: { http: { path: /guarded } }\nauth: [{ apiKey: { keys: keys } }]\n${step}\n`,
].map((source) => planFromSource(source, 'case.yaml'))

const written: NewRecord[] = []
const none = async () => {
  throw new Error('nobody asks for it')
}
const door = new Door({
  ...{ engine: 'e', host: '127.0.0.1', port: 0, tls: null, trustedProxies: [], publicUrl: '', corsOrigins: [] },
  ...{ valueBytesMax: 4096, sealer: null, preparer: null, incarnation: async () => 'i' },
  limits: { headersMsMax: bodyMsMax, bodyMsMax, batchMax: 5, stopMsMax: 100 },
  writer: {
    trouble: null,
    async write(record) {
      written.push(record)
      return { topic: record.topic, partition: 0, offset: written.length, timestampMs: record.timestampMs }
    },
  },
  gates: {
    of: (plan) =>
      plan.auth === null ? null : { authenticate: ({ headers }) => guard(headers.get('x-api-key') ?? []) },
    stamp: () => ({ name: 'millrace-door', value: Buffer.from('stamp') }),
  },
  ledger: {
    standing: async (asked) => asked.map(() => ({ is: 'written' as const })),
    stories: async () => new Map(),
    kept: async () => [],
    full: async () => new Set<string>(),
    ...{ sourceOf: none, claim: none, claimed: none, abandon: none },
  },
})

function guard(keys: readonly Buffer[]) {
  if (keys.length !== 1 || keys[0]?.toString() !== 'good') throw new EngineError('unauthenticated', 'nobody')
  return { principal: 'ann', family: 'apiKey', roles: [], claims: {}, by: {} }
}

before(async () => {
  door.setPlans(plans)
  await door.start()
})
after(() => door.stop())

for (const each of httpCases) {
  test(each.name, async () => {
    const before = written.length
    const { status, answers, tookMs } = await answerTo(each)
    assert.equal(status, each.status)
    assert.ok(answers <= 1, `it was answered ${answers} times`)
    assert.ok(tookMs < hangMs + bodyMsMax + 1500, `it took ${Math.round(tookMs)} ms`)
    assert.equal(written.length - before, status === 202 ? 1 : 0)
    assert.ok(written.slice(before).every(({ headers }) => !headers.some(({ name }) => name === 'x-api-key')))
  })
}

test('good ones are answered beside and after all of that, and nothing of it is left', async () => {
  const before = written.length
  const sent = Buffer.from(
    'POST /films/7 HTTP/1.1\r\nHost: door\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  )
  const all = await Promise.all(Array.from({ length: 20 }, () => answerTo({ name: 'good', sent: [sent], status: 202 })))
  assert.ok(all.every(({ status }) => status === 202))
  assert.equal(written.length - before, 20)
  assert.deepEqual(Reflect.ownKeys({}), [])
  assert.equal(({} as { n?: unknown }).n, undefined)
})

/** Our side is closed when all is sent, so that whoever waits for more knows that there is none; 0: it is closed without an answer. */
async function answerTo({ sent }: HttpCase): Promise<{ status: number; answers: number; tookMs: number }> {
  const socket = connect(door.port, '127.0.0.1')
  const chunks: Buffer[] = []
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined)
  const from = performance.now()
  const said = () => Buffer.concat(chunks).toString('latin1')
  for (const part of sent) {
    if (typeof part === 'number')
      for (const until = from + part; performance.now() < until && said() === ''; ) await sleep(10)
    else socket.write(part)
  }
  for (const until = performance.now() + 300; said() === '' && !socket.destroyed && performance.now() < until; )
    await sleep(5)
  const tookMs = performance.now() - from
  socket.end()
  await Promise.race([closed, sleep(200)])
  socket.destroy()
  const lines = said().match(/^HTTP\/1\.1 \d{3}/gm) ?? []
  return { status: Number(lines[0]?.slice(-3) ?? 0), answers: lines.length, tookMs }
}
