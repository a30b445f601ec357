/** Traces by themselves: what is read of headers, which ids are made, who is sampled, what is handed on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resources } from '@opentelemetry/sdk-node'
import fc from 'fast-check'
import { parseTraceparent, traceparentOf } from '../../src/telemetry/trace/context.ts'
import { functionSpans } from '../../src/telemetry/trace/function-spans.ts'
import { attemptSpanId, processSpanId, sendSpanId, traceIdOf } from '../../src/telemetry/trace/ids.ts'
import { samplerOf, samplingOf } from '../../src/telemetry/trace/sampling.ts'
import { sentSpan, spansOf } from '../../src/telemetry/trace/spans.ts'
import { handedOn, OwnTraces } from '../../src/telemetry/trace/traces.ts'
import { durable } from './facts.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const id = '019c2f4e-1111-8222-8333-444455556666'
const event = (meta: Record<string, string> = {}) => ({ id, envelope: { meta } })

test('a traceparent is read as W3C has it', () => {
  const told = { traceId, spanId, isSampled: true }
  assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-01`), told)
  assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-00`), { ...told, isSampled: false })
  // Of flags only the last bit is known; a later version may say more.
  assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-03`), told)
  assert.deepEqual(parseTraceparent(`cc-${traceId}-${spanId}-01-what-the-future-says`), told)
  assert.equal(traceparentOf(told), `00-${traceId}-${spanId}-01`)
})

test('what is no traceparent is none', () => {
  const bad = [
    undefined,
    '',
    'garbage',
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `00-${traceId}-${spanId}-0x`,
  ]
  assert.deepEqual(
    bad.filter((each) => parseTraceparent(each) !== null),
    [],
  )
  fc.assert(fc.property(fc.string(), (text) => parseTraceparent(text) === null))
})

test('ids are made of what the ledger knows: the same each time, and no two alike', () => {
  assert.equal(traceIdOf(event()), '019c2f4e111182228333444455556666')
  assert.equal(traceIdOf(event({ traceparent: 'garbage' })), '019c2f4e111182228333444455556666')
  assert.equal(traceIdOf(event({ traceparent: `00-${traceId}-${spanId}-00` })), traceId)
  const all = [
    attemptSpanId(id, 0, '', 1),
    attemptSpanId(id, 0, '', 2),
    attemptSpanId(id, 0, '1', 1),
    attemptSpanId(id, 1, '', 1),
    processSpanId(id),
    processSpanId(id, 2),
    sendSpanId(id),
  ]
  assert.equal(new Set(all).size, all.length)
  assert.ok(all.every((each) => /^[0-9a-f]{16}$/.test(each)))
  assert.equal(attemptSpanId(id, 0, '', 1), all[0])
})

test('samplers decide as OpenTelemetry names them', () => {
  const yes = { traceId, spanId, isSampled: true }
  const no = { ...yes, isSampled: false }
  const decisions = (name: Parameters<typeof samplerOf>[0], ratio = 1) =>
    [null, yes, no].map((parent) => samplingOf(samplerOf(name, ratio))(traceId, parent))
  assert.deepEqual(decisions('parentbased_always_on'), [true, true, false])
  assert.deepEqual(decisions('parentbased_always_off'), [false, true, false])
  assert.deepEqual(decisions('always_on'), [true, true, true])
  assert.deepEqual(decisions('always_off'), [false, false, false])
  assert.deepEqual(decisions('parentbased_traceidratio', 0), [false, true, false])
  assert.deepEqual(decisions('traceidratio', 1), [true, true, true])
})

test('a ratio takes its share of transactions without a trace of their own', () => {
  const sampling = samplingOf(samplerOf('parentbased_traceidratio', 0.1))
  const ids = Array.from({ length: 20_000 }, (_, n) => {
    const hex = processSpanId(`a${n}`) + processSpanId(`b${n}`)
    return `019c2f4e11118${hex.slice(0, 3)}8${hex.slice(3, 18)}`
  })
  const share = ids.filter((each) => sampling(each, null)).length / ids.length
  assert.ok(share > 0.09 && share < 0.11, `${share}`)
})

test('what is not told goes on as it came; what is told, under a span of ours', () => {
  const traceparent = `00-${traceId}-${spanId}-00`
  const told = event({ traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'a=1' })
  // One for each event: an id has one alone.
  const on = () => new OwnTraces(samplingOf(samplerOf('parentbased_always_on', 1)))
  assert.equal(on().ofAttempt(event({ traceparent }), 0, '', 1), traceparent)
  assert.deepEqual(on().ofMessage(event({ traceparent }), 'm'), { traceparent })
  assert.equal(on().ofAttempt(told, 0, '', 1), `00-${traceId}-${attemptSpanId(id, 0, '', 1)}-01`)
  assert.deepEqual(on().ofMessage(told, 'm'), {
    traceparent: `00-${traceId}-${sendSpanId('m')}-01`,
    tracestate: 'a=1',
  })
  // Nobody further on is to decide again: a trace of ours that is not told says so.
  const off = new OwnTraces(samplingOf(samplerOf('parentbased_always_off', 1)))
  assert.deepEqual(off.ofCall(event()), { traceparent: `00-${traceIdOf(event())}-${processSpanId(id)}-00` })
  assert.equal(off.ofAttempt(event(), 0, '', 1), null)
  assert.deepEqual(handedOn.ofMessage(event(), 'm'), null)
  assert.deepEqual(handedOn.ofMessage(told, 'm'), told.envelope.meta)
  const { traceparent: given } = told.envelope.meta as { traceparent: string }
  const long = event({ traceparent: given, tracestate: 'x'.repeat(513) })
  assert.deepEqual(handedOn.ofMessage(long, 'm'), { traceparent: given })
  assert.equal(handedOn.ofAttempt(event({ traceparent: 'garbage' }), 0, '', 1), null)
})

test('two workflows on one event have a trace each, unless it brings one', () => {
  const on = new OwnTraces(samplingOf(samplerOf('parentbased_always_on', 1)))
  const envelope = { meta: {} }
  const [one, other] = [id, id.replace('019c', '019d')].map((each) => on.of({ id: each, envelope }).traceId)
  assert.deepEqual([one, other], [id.replaceAll('-', ''), id.replace('019c', '019d').replaceAll('-', '')])
  assert.equal(on.of({ id, envelope }).traceId, one)
})

test('an attempt’s span has its latency path', () => {
  const spans = spansOf(durable, new OwnTraces(samplingOf(samplerOf('always_on', 1))))
  const attempt = spans.find(({ name }) => name === 'invoke pay')
  assert.deepEqual([attempt?.startUs, attempt?.endUs, attempt?.error], [1000, 14_000, 'late'])
  const { attributes = {} } = attempt ?? {}
  const path = ['wait', 'dispatch', 'run', 'commit'].map((each) => attributes[`millrace.${each}_ms`])
  assert.deepEqual(path, [1, 1, 10, 2])
})

test('only a message under a span of ours is told', () => {
  const message = { id: 'm', transactionId: id, topic: 'out', letter: null, error: null }
  const headers = (span: string, flags = '01') => JSON.stringify({ traceparent: `00-${traceId}-${span}-${flags}` })
  const own = headers(sendSpanId('m'))
  assert.equal(sentSpan({ ...message, headers: own }, 1, 2)?.spanId, sendSpanId('m'))
  assert.equal(sentSpan({ ...message, headers: '{}' }, 1, 2), null)
  assert.equal(sentSpan({ ...message, headers: headers(spanId) }, 1, 2), null)
  assert.equal(sentSpan({ ...message, headers: headers(sendSpanId('m'), '00') }, 1, 2), null)
  assert.equal(sentSpan({ ...message, headers: own, letter: {} }, 1, 2), null)
  assert.equal(sentSpan({ ...message, headers: own, error: 'never' }, 1, 2), null)
})

test('spans that a process tells are looked at: what makes none is left out', () => {
  const good = { traceId, spanId, name: 'n', kind: 2, start: [1, 5], end: [1, 9], attributes: { a: 1 } }
  const read = (text: string) => functionSpans(text, resources.emptyResource())
  const [span] = read(JSON.stringify([good]))
  assert.deepEqual([span?.name, span?.kind, span?.duration, span?.attributes], ['n', 2, [0, 4], { a: 1 }])
  const bad = [
    { ...good, traceId: 'x' },
    { ...good, spanId: '0'.repeat(16) },
    { ...good, name: 7 },
    { ...good, start: [1] },
    { ...good, end: [1, 1e10] },
    { ...good, start: ['1', '2'] },
    null,
    [],
    'text',
  ]
  assert.deepEqual(read(JSON.stringify(bad)), [])
  const odd = {
    ...good,
    kind: 99,
    attributes: { a: { deep: 1 }, b: [1, {}], c: null, d: 'kept' },
    events: [1],
    links: 'x',
  }
  const [kept] = read(JSON.stringify([odd]))
  assert.deepEqual([kept?.kind, kept?.attributes, kept?.events, kept?.links], [0, { d: 'kept' }, [], []])
  for (const text of ['', '{', 'null', '{"a":1}', '[[[[]]]]']) assert.deepEqual(read(text), [])
  fc.assert(fc.property(fc.json(), (text) => Array.isArray(read(text))))
})

test('a request goes on with its client’s trace, or begins one, and says whether it is told', () => {
  const on = new OwnTraces(samplingOf(samplerOf('parentbased_always_on', 1)))
  const off = new OwnTraces(samplingOf(samplerOf('parentbased_always_off', 1)))
  const given = `00-${traceId}-${spanId}-01`
  const told = on.ofRequest(given, 'a=1')
  assert.deepEqual([told?.traceId, told?.parentId, told?.isSampled], [traceId, spanId, true])
  assert.deepEqual(told?.headers, { traceparent: `00-${traceId}-${told?.spanId}-01`, tracestate: 'a=1' })
  assert.equal(on.ofRequest(given.replace(/01$/, '00'), undefined), null)
  const begun = off.ofRequest('garbage', 'a=1')
  assert.deepEqual(begun?.headers, { traceparent: `00-${begun?.traceId}-${begun?.spanId}-00` })
  assert.equal(handedOn.ofRequest(given, undefined), null)
})
