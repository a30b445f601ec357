import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Facts, publish } from '../../src/telemetry/channels.ts'
import { startLogs } from '../../src/telemetry/logs.ts'

const opened: Facts['lane.opened'] = { topic: 't', partition: 1, epoch: 2, nextOffset: '3', open: 4 }
const letter = { topic: 't', partition: 1, offset: '9', workflow: null, code: 'value_null', reason: 'no value' }

function collect(options: Omit<Parameters<typeof startLogs>[0], 'write'>) {
  const lines: string[] = []
  return { lines, logs: startLogs({ ...options, write: (line) => void lines.push(line) }) }
}

test('JSON lines carry the fact and its measures', () => {
  const { lines, logs } = collect({ level: 'info', format: 'json' })
  publish('lane.opened', opened)
  publish('commit', { events: 1, rows: 1, lanes: 1, durationMs: 1 })
  publish('outage', { service: 'kafka', address: 'h:1', message: 'gone' })
  publish('notice', { level: 'warn', message: 'look', code: 'c' })
  logs.stop()
  publish('lane.opened', opened)
  const read = lines.map((line) => JSON.parse(line))
  assert.deepEqual(
    read.map(({ level, fact, msg }) => [level, fact, msg]),
    [
      ['info', 'lane.opened', 'lane t/1 opened at offset 3; 4 transactions go on'],
      ['error', 'outage', 'Kafka at h:1 is away: gone'],
      ['warn', 'notice', 'look'],
    ],
  )
  assert.equal(read[0].nextOffset, '3')
  assert.equal(read[1].cause, 'gone')
  assert.equal(read[2].code, 'c')
})

test('text is for people', () => {
  const { lines, logs } = collect({ level: 'debug', format: 'text' })
  publish('dead-letter', letter)
  publish('notice', { level: 'info', message: 'hello', extra: 1 })
  logs.stop()
  assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d warn {2}dead letter t\/1\/9 \(value_null\): no value\n$/)
  assert.match(lines[1] ?? '', /^\d\d:\d\d:\d\d info {2}hello extra=1\n$/)
})

test('a flood is said by its beginning and its size', () => {
  const { lines, logs } = collect({ level: 'info', format: 'json' })
  for (let count = 0; count < 1000; count++) publish('dead-letter', letter)
  publish('lane.opened', opened)
  logs.stop()
  const messages = lines.map((line) => JSON.parse(line).msg as string)
  assert.deepEqual(messages.slice(5), ['lane t/1 opened at offset 3; 4 transactions go on', '995 more dead letters'])
})

test('lines that speak of a transaction carry its id and its trace', () => {
  const { lines, logs } = collect({ level: 'debug', format: 'json', functions: true })
  const transactionId = '019c2f4e-1111-8222-8333-444455556666'
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const ended = { workflow: 'order', state: 'completed', durationMs: 1, code: null, transactionId }
  publish('ended', { ...ended, traceparent })
  publish('ended', ended)
  publish('function.log', {
    workflow: 'order',
    step: 'pay',
    attempt: 2,
    transactionId,
    traceparent,
    text: 'info a\nb\n',
  })
  logs.stop()
  const read = lines.map((line) => JSON.parse(line))
  assert.deepEqual(
    read.map((line) => [line.transactionId, line.trace_id, line.traceparent]),
    [
      [transactionId, '4bf92f3577b34da6a3ce929d0e0e4736', undefined],
      [transactionId, '019c2f4e111182228333444455556666', undefined],
      [transactionId, '4bf92f3577b34da6a3ce929d0e0e4736', undefined],
    ],
  )
  assert.deepEqual([read[2].msg, read[2].text], ['order pay (attempt 2): info a\nb', undefined])
})

test('what functions write is logged only where that is asked for', () => {
  const { lines, logs } = collect({ level: 'debug', format: 'text' })
  publish('function.log', { workflow: 'w', step: 's', attempt: 1, transactionId: 'x', text: 'much' })
  logs.stop()
  assert.deepEqual(lines, [])
})
