// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/** A trace from a producer's record through every step to what is published, at an OTLP receiver; metrics; ids in logs. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../src/base/poll.ts'
import { freePorts } from '../../src/local/free-ports.ts'
import { millrace } from '../cli/millrace.ts'
import { atEnd } from '../support/at-end.ts'
import { doorOf, post } from '../support/door.ts'
import { freshReader } from '../support/reader.ts'
import { freshScene, kill, terminate } from '../support/scene.ts'
import { freshTopic, type TestTopic, unique } from '../support/servers.ts'
import { freshReceiver, type Receiver, type SeenSpan } from '../telemetry/receiver.ts'

const functions = {
  'functions/price.ts': `
import { trace, SpanStatusCode } from '@opentelemetry/api'
import { defineFunction } from 'millrace'
const tracer = trace.getTracer('pricing', '2')
export default defineFunction({
  async run({ input, context }) {
    const { cents } = input as { cents: number }
    context.log.info('priced', { cents })
    await tracer.startActiveSpan('look up', async (span) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      tracer.startSpan('inner', { attributes: { cents, tags: ['a', 'b'] } }).end()
      span.addEvent('found')
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'nearly' })
      span.end()
    })
    if (cents > 0) context.emit({ topic: 'OUT', key: 'e', value: { cents } })
    return { cents, traceparent: context.traceparent }
  },
})`,
  'functions/refuse.ts': `
import { defineFunction, fail } from 'millrace'
export default defineFunction({ run: () => fail('refused', 'not today') })`,
  'functions/tidy.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: () => null })`,
}

function files(orders: TestTopic, out: string): Record<string, string> {
  const price = functions['functions/price.ts'].replace('OUT', out)
  return {
    ...functions,
    'functions/price.ts': price,
    'order.yaml': `
name: order
on: { kafka: ${orders.name} }
publish:
  completed: { topic: ${out}, key: event.key, value: { no: "\${{ event.data.no }}" } }
steps:
  - id: price
    uses: price
    with: { cents: "\${{ event.data.cents }}" }
    compensate: { uses: tidy }
  - { id: nap, sleep: 300ms }
  - id: each
    forEach: event.data.list
    steps: [{ id: bill, uses: tidy }]
  - { id: sub, call: helper, with: { a: 1 } }
  - { id: last, uses: refuse, when: event.data.refuse }
`,
    'helper.yaml': 'name: helper\nsteps: [{ id: help, uses: tidy }]\n',
    'follow.yaml': `name: follow\non: { kafka: ${out} }\nsteps: [{ id: heard, uses: tidy }]\n`,
  }
}

const order = { cents: 5, list: [1, 2], refuse: false, no: 1 }

async function freshStage(env: Record<string, string> = {}) {
  const receiver = await freshReceiver()
  const orders = await freshTopic(1)
  const out = (await freshTopic(1, unique('out'))).name
  const [port] = await freePorts(1)
  const scene = await freshScene(files(orders, out), {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_METRIC_EXPORT_INTERVAL: '200',
    MILLRACE_HTTP_PORT: String(port),
    ...env,
  })
  const send = (value: unknown, headers: Record<string, string> = {}) =>
    orders.producer.send({
      topic: orders.name,
      messages: [{ key: 'anna', value: JSON.stringify(value), headers }],
    })
  return { receiver, orders, out, port, scene, send }
}

function freshTrace(flags = '01') {
  const traceId = randomBytes(16).toString('hex')
  const spanId = randomBytes(8).toString('hex')
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` }
}

function tree(spans: readonly SeenSpan[], parentId: string | null, depth = 0): string[] {
  const children = spans.filter((span) => span.parentId === parentId).sort((a, b) => a.name.localeCompare(b.name))
  return children.flatMap((span) => [`${'  '.repeat(depth)}${span.name}`, ...tree(spans, span.spanId, depth + 1)])
}

const ofTrace = ({ spans }: Receiver, traceId: string) => spans.filter((span) => span.traceId === traceId)

test('one trace leads from the producer through every step to what follows from what is published', async () => {
  const { receiver, orders, out, scene, send, port } = await freshStage({
    OTEL_METRICS_EXPORTER: 'otlp,prometheus',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-team=blue',
    OTEL_SERVICE_NAME: 'shop',
    MILLRACE_LOG_FUNCTIONS: 'true',
  })
  const reader = await freshReader([out])
  const coordinator = scene.start()
  const { traceId, spanId, traceparent } = freshTrace()
  await send(order, { traceparent, tracestate: 'shop=1' })
  await scene.ended(2, { workflow: 'follow' })
  await receiver.until(
    'both followers',
    () => ofTrace(receiver, traceId).filter(({ name }) => name === `process ${out}`).length === 2,
  )
  const spans = ofTrace(receiver, traceId)
  const follower = [`    send ${out}`, `      receive ${out}`, `        process ${out}`, '          invoke tidy']
  assert.deepEqual(tree(spans, spanId), [
    `receive ${orders.name}`,
    `  process ${orders.name}`,
    '    call helper',
    '      invoke tidy',
    '    invoke price',
    '      look up',
    '        inner',
    '    invoke tidy',
    '    invoke tidy',
    ...follower,
    ...follower,
    '    sleep nap',
  ])
  assert.equal(new Set(spans.map((span) => span.spanId)).size, spans.length)
  const [price] = spans.filter(({ name }) => name === 'invoke price')
  assert.equal(price?.kind, 3)
  assert.equal(price?.attributes['faas.invoked_name'], 'price')
  assert.equal(price?.attributes['millrace.step'], 'price')
  assert.ok((price?.attributes['millrace.run_ms'] as number) >= 5, JSON.stringify(price?.attributes))
  assert.equal(price?.resource['service.name'], 'shop')
  const [lookUp] = spans.filter(({ name }) => name === 'look up')
  assert.deepEqual([lookUp?.scope, lookUp?.events, lookUp?.error], ['pricing', ['found'], 'nearly'])
  const [inner] = spans.filter(({ name }) => name === 'inner')
  assert.deepEqual(inner?.attributes, { cents: 5, tags: ['a', 'b'] })
  const [outer] = spans.filter(({ name }) => name === `process ${orders.name}`)
  assert.deepEqual(outer?.links, [{ traceId, spanId }])
  assert.equal(outer?.attributes['millrace.transaction.state'], 'completed')

  // What its messages carry is the span that sent them; the function was given its attempt's.
  const carried = reader.seen.map(({ headers }) => String(headers.traceparent?.[0]))
  const sent = spans.filter(({ name }) => name === `send ${out}`).map((span) => `00-${traceId}-${span.spanId}-01`)
  assert.deepEqual(carried.toSorted(), sent.toSorted())
  assert.ok(reader.seen.every(({ headers }) => String(headers.tracestate?.[0]) === 'shop=1'))
  const [row] = await scene.ledger.query<{ output: { traceparent: string } }>(
    "select output from millrace.attempts where step = 'price'",
  )
  assert.equal(row?.output.traceparent, `00-${traceId}-${price?.spanId}-01`)

  await receiver.until('a commit that links to it', (all) =>
    all.some(({ name, links }) => name === 'commit' && links.some((link) => link.traceId === traceId)),
  )
  assert.ok(receiver.headers.every((headers) => headers['x-team'] === 'blue'))

  const [{ id }] = (await scene.ledger.query<{ id: string }>(
    "select id from millrace.transactions where workflow = 'order'",
  )) as [{ id: string }]
  const line = coordinator
    .logs()
    .split('\n')
    .find((each) => each.includes('"function.log"'))
  assert.deepEqual(
    [JSON.parse(line ?? '{}').transactionId, JSON.parse(line ?? '{}').trace_id, JSON.parse(line ?? '{}').msg],
    [id, traceId, 'order price (attempt 1): info priced {"cents":5}'],
  )
  const shown = await millrace(scene.dir, ['show', id], { env: { DATABASE_URL: scene.ledger.databaseUrl } })
  assert.match(shown.stdout, new RegExp(`trace +${traceId}`))

  await metricsAgree(receiver, port as number, orders.name)
  await terminate(coordinator)
  assert.deepEqual(receiver.faults, [])
  assert.deepEqual([...receiver.contentTypes], ['application/x-protobuf'])
})

async function metricsAgree(receiver: Receiver, port: number, topic: string): Promise<void> {
  const ended = () =>
    receiver.points.find(
      ({ name, attributes }) => name === 'millrace.transaction.duration' && attributes['millrace.workflow'] === 'order',
    )
  await until('the metrics of the transaction', async () => ended() !== undefined, { forMs: 5000, everyMs: 50 })
  assert.deepEqual([ended()?.kind, ended()?.unit, ended()?.count], ['histogram', 's', 1])
  const point = (name: string) => receiver.points.find((each) => each.name === name)
  assert.equal(point('millrace.lanes.open')?.value, 2)
  const scraped = await fetch(`http://127.0.0.1:${port}/metrics`)
  const text = await scraped.text()
  assert.match(scraped.headers.get('content-type') ?? '', /^text\/plain/)
  assert.match(text, /millrace_transaction_duration_seconds_count\{[^}]*millrace_workflow="order"[^}]*\} 1/)
  assert.match(text, new RegExp(`millrace_lag\\{[^}]*messaging_destination_name="${topic}"[^}]*\\} 0`))
  assert.match(text, /faas_invocations_total\{[^}]*millrace_step="price"[^}]*\} 1/)
}

test('without a trace of its own an event has one under its transaction’s id, which a successor goes on with', async () => {
  const { receiver, orders, scene, send } = await freshStage()
  const first = scene.start()
  await send(order)
  await scene.until('it to sleep', 'select count(*) = 1 from millrace.waits')
  await receiver.until('the spans before', (all) => all.some(({ name }) => name === 'invoke price'))
  await kill(first)
  const second = scene.start()
  await scene.ended(1, { workflow: 'order' })
  const [{ id }] = (await scene.ledger.query<{ id: string }>(
    "select id from millrace.transactions where workflow = 'order'",
  )) as [{ id: string }]
  const traceId = id.replaceAll('-', '')
  await receiver.until('its end', () =>
    ofTrace(receiver, traceId).some(({ name }) => name === `process ${orders.name}`),
  )
  // What the killed one had not sent is gone: of those that follow what it published, maybe some.
  const spans = ofTrace(receiver, traceId).filter(({ attributes }) => attributes['millrace.transaction.id'] === id)
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const orphans = spans.filter(({ parentId }) => parentId !== null && !ids.has(parentId))
  assert.deepEqual(
    orphans.map(({ name }) => name),
    [],
  )
  assert.deepEqual(
    spans.filter(({ parentId }) => parentId === null).map(({ name }) => name),
    [`receive ${orders.name}`],
  )
  assert.equal(new Set(spans.map(({ resource }) => resource['process.pid'])).size, 2)
  await terminate(second)
})

test('what goes wrong is told as an error: a step, its transaction, its undoing, a record that is none', async () => {
  const { receiver, orders, scene, send } = await freshStage({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' })
  const coordinator = scene.start()
  const [failed, dead] = [freshTrace(), freshTrace()]
  await send({ ...order, refuse: true }, { traceparent: failed.traceparent })
  await orders.producer.send({
    topic: orders.name,
    messages: [{ value: '{', headers: { traceparent: dead.traceparent } }],
  })
  await receiver.until('both', () =>
    [failed, dead].every(({ traceId }) =>
      ofTrace(receiver, traceId).some(({ isError, parentId }) => isError && parentId !== null),
    ),
  )
  await receiver.until('the undoing', () =>
    ofTrace(receiver, failed.traceId).some(({ name }) => name === `process ${orders.name}`),
  )
  const spans = ofTrace(receiver, failed.traceId)
  const named = (name: string) => spans.find((span) => span.name === name)
  assert.deepEqual([named('invoke refuse')?.isError, named('invoke refuse')?.error], [true, 'not today'])
  assert.equal(named('invoke refuse')?.attributes['error.type'], 'refused')
  assert.equal(named('undo tidy')?.isError, false)
  assert.equal(named(`process ${orders.name}`)?.attributes['millrace.transaction.state'], 'compensated')
  const [letter] = ofTrace(receiver, dead.traceId)
  assert.deepEqual(
    [letter?.name, letter?.parentId, letter?.attributes['error.type']],
    [`receive ${orders.name}`, dead.spanId, 'value_not_json'],
  )
  await terminate(coordinator)
  assert.deepEqual([receiver.faults, [...receiver.contentTypes]], [[], ['application/json']])
})

test('what is not sampled is not told, and goes on as it came', async () => {
  const { receiver, out, scene, send } = await freshStage()
  const reader = await freshReader([out])
  const coordinator = scene.start()
  const quiet = freshTrace('00')
  const told = freshTrace()
  await send({ ...order, cents: 0 }, { traceparent: quiet.traceparent })
  await send(order, { traceparent: told.traceparent })
  await scene.ended(5)
  await receiver.until('the one that is', () =>
    ofTrace(receiver, told.traceId).some(({ name }) => name === `process ${out}`),
  )
  assert.deepEqual(ofTrace(receiver, quiet.traceId), [])
  await until(
    'its message',
    async () => reader.seen.some(({ headers }) => String(headers.traceparent?.[0]) === quiet.traceparent),
    { forMs: 5000, everyMs: 50 },
  )
  await terminate(coordinator)
})

test('with telemetry off a trace is handed on as it came, and nothing is sent', async () => {
  const { receiver, out, scene, send } = await freshStage({ OTEL_SDK_DISABLED: 'true' })
  const reader = await freshReader([out])
  const coordinator = scene.start()
  const { traceparent } = freshTrace()
  await send(order, { traceparent })
  await scene.ended(3)
  await reader.until(2)
  assert.deepEqual(
    reader.seen.map(({ headers }) => String(headers.traceparent?.[0])),
    [traceparent, traceparent],
  )
  await terminate(coordinator)
  assert.deepEqual([receiver.spans, receiver.headers], [[], []])
})

test('a trace leads on from a request: that of its client, or one that begins with it', async () => {
  const receiver = await freshReceiver()
  const topic = unique('http')
  const http = `name: ask\non: { http: { path: '/films/{film}', topic: ${topic} } }\nsteps: [{ id: one, uses: tidy }]\n`
  const scene = await freshScene(
    { 'functions/tidy.ts': functions['functions/tidy.ts'], 'ask.yaml': http },
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: '100',
      MILLRACE_DOOR_PORT: '0',
      MILLRACE_DOOR_TOPIC_PARTITIONS: '2',
    },
  )
  const coordinator = scene.start()
  const port = await doorOf(coordinator)
  await scene.opened(2)
  const [told, quiet] = [freshTrace(), freshTrace('00')]
  const all: Record<string, string>[] = [{ traceparent: told.traceparent }, { traceparent: quiet.traceparent }, {}]
  for (const headers of all) {
    assert.equal((await post(port, '/films/7', { n: 1 }, headers)).status, 202)
  }
  await scene.ended(3)
  await receiver.until('both', (all) => all.filter(({ name }) => name === `process ${topic}`).length === 2)
  await receiver.until('both requests', (all) => all.filter(({ kind }) => kind === 2).length === 2)
  const expected = ['POST /films/{film}', `  receive ${topic}`, `    process ${topic}`, '      invoke tidy']
  assert.deepEqual(tree(ofTrace(receiver, told.traceId), told.spanId), expected)
  assert.deepEqual(ofTrace(receiver, quiet.traceId), [])
  const [request] = ofTrace(receiver, told.traceId).filter(({ kind }) => kind === 2)
  assert.deepEqual(request?.attributes, {
    'http.request.method': 'POST',
    'http.route': '/films/{film}',
    'http.response.status_code': 202,
  })
  const begun = receiver.spans.find(({ kind, parentId }) => kind === 2 && parentId === null)
  assert.deepEqual(tree(ofTrace(receiver, begun?.traceId ?? ''), null), expected)
  await terminate(coordinator)
})

test('a receiver that is away, or never answers, holds up neither work nor a stop', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  atEnd(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const [closed] = await freePorts(1)
  const ports = [closed as number, (silent.address() as AddressInfo).port]
  for (const port of ports) {
    const { scene, send } = await freshStage({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` })
    const coordinator = scene.start()
    await send(order)
    await scene.ended(1, { workflow: 'order' })
    await sleep(500) // its spans and metrics are on their way
    const tookMs = await terminate(coordinator)
    assert.ok(tookMs < 8000, `stopped after ${tookMs} ms`)
    if (port === closed) assert.match(coordinator.logs(), /"level":"(?:warn|error)".*telemetry: /)
  }
})
