// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/** Requests of clients: what is answered, what is in the ledger, and what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, doorOf, post } from '../support/door.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { unique } from '../support/servers.ts'

const functions = {
  'functions/double.ts': `
import { defineFunction, fail } from 'millrace'
export default defineFunction({
  async run({ input }) {
    const { n, waitMs } = input as { n: number; waitMs?: number | null }
    if (n < 0) return fail('below_nothing', 'n is below nothing')
    if (waitMs) await new Promise((resolve) => setTimeout(resolve, waitMs))
    return { n: n * 2 }
  },
})`,
}

function workflow(name: string, topic: string, http: string, more = ''): string {
  return `
name: ${name}
on:
  http:
    topic: ${topic}
${http}
${more}
steps:
  - { id: double, uses: double, with: { n: "\${{ event.data.n }}", waitMs: "\${{ event.data.?waitMs }}" } }
  - { id: again, uses: double, with: { n: "\${{ steps.double.output.n }}" } }
`
}

const env = { MILLRACE_DOOR_PORT: '0', MILLRACE_DOOR_TOPIC_PARTITIONS: '2' }

test('a request is a transaction: 202 with its id and status, the result for who waits, one for a repeated key', async (t) => {
  const [plain, waiting, short] = [unique('plain'), unique('waiting'), unique('short')]
  const scene = await freshScene(
    {
      ...functions,
      'plain.yaml': workflow('plain', plain, '    path: /numbers/{kind}', 'key: event.data.n'),
      'waiting.yaml': workflow(
        'waiting',
        waiting,
        '    path: /waiting\n    respond: { wait: 10s, with: { n: "${{ steps.again.output.n }}", of: "${{ event.data.n }}" }, failed: { status: 409, with: { why: "${{ error.code }}" } } }',
      ),
      'short.yaml': workflow(
        'short',
        short,
        '    path: /short\n    method: [POST, PUT]\n    respond: { wait: 5s, after: double, status: 201 }',
      ),
    },
    env,
  )
  const coordinator = scene.start()
  const port = await doorOf(coordinator)
  await scene.opened(6)

  await t.test('202 with id, Location and a status that comes to its end', async () => {
    const answer = await post(
      port,
      '/numbers/odd?from=here',
      { n: 3 },
      { 'x-secret': 'no', authorization: 'Bearer no' },
    )
    assert.equal(answer.status, 202, answer.text)
    assert.equal(answer.headers.location, answer.json.status)
    await scene.until(
      'the transaction',
      `select count(*) = 1 from millrace.transactions where id = '${answer.json.id}' and state = 'completed'`,
    )
    const [row] = await scene.ledger.query<{ event: Record<string, unknown>; key: string }>(
      'select event, key from millrace.transactions where id = $1',
      [answer.json.id],
    )
    assert.equal(row?.key, '3')
    assert.deepEqual(row?.event.http, { method: 'POST', path: { kind: 'odd' }, query: { from: 'here' } })
    assert.deepEqual(row?.event.meta, { 'content-type': 'application/json' })
    const status = await ask(port, answer.json.status, { method: 'GET' })
    assert.equal(status.status, 200)
    assert.equal(status.json.state, 'completed')
    assert.deepEqual(
      status.json.steps.map(({ step, state }: { step: string; state: string }) => [step, state]),
      [
        ['double', 'ok'],
        ['again', 'ok'],
      ],
    )
  })

  await t.test('who waits gets the result', async () => {
    const answer = await post(port, '/waiting', { n: 5 })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(answer.json, { n: 20, of: 5 })
    const status = await ask(port, String(answer.headers['content-location']), { method: 'GET' })
    assert.deepEqual(status.json.answer, { n: 20, of: 5 })
  })

  await t.test('who waits for a step gets what it gave, while the rest goes on', async () => {
    const answer = await ask(port, '/short', { method: 'PUT', body: '{"n":7}' })
    assert.equal(answer.status, 201, answer.text)
    assert.deepEqual(answer.json, { n: 14 })
  })

  await t.test('an ending that is not well is answered as the workflow says, else as a problem', async () => {
    const told = await post(port, '/waiting', { n: -1 })
    assert.deepEqual([told.status, told.json], [409, { why: 'below_nothing' }])
    const untold = await post(port, '/short', { n: -1 })
    assert.deepEqual([untold.status, untold.json.code], [422, 'below_nothing'])
    assert.equal(untold.headers['content-type'], 'application/problem+json; charset=utf-8')
  })

  await t.test('who has waited long enough is told where the result will be', async () => {
    const from = performance.now()
    const answer = await post(port, '/short', { n: 1, waitMs: 6000 })
    assert.equal(answer.status, 202, answer.text)
    assert.ok(performance.now() - from < 8000)
  })

  await t.test('a repeated key gets the first one’s id, and another request with it is refused', async () => {
    const key = { 'idempotency-key': `"${unique('key')}"` }
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => post(port, '/numbers/even', { n: 4 }, key)))
    all.push(await post(port, '/numbers/even', { n: 4 }, key))
    assert.deepEqual(
      all.map(({ status }) => status),
      [202, 202, 202, 202, 202, 202],
    )
    assert.equal(new Set(all.map(({ json }) => json.id)).size, 1)
    const other = await post(port, '/numbers/even', { n: 5 }, key)
    assert.deepEqual([other.status, other.json.code], [422, 'idempotency_key_reused'])
    await scene.until(
      'one transaction',
      `select count(*) = 1 from millrace.transactions where workflow = 'plain' and event -> 'data' ->> 'n' = '4'`,
    )
  })

  await t.test('states come as a stream that ends', async () => {
    const { json } = await post(port, '/numbers/odd', { n: 9, waitMs: 700 })
    const first = await ask(port, json.status, { method: 'GET', headers: { accept: 'text/event-stream' } })
    assert.equal(first.headers['content-type'], 'text/event-stream; charset=utf-8')
    const events = first.text.split('\n\n').filter((event) => event.startsWith('event:'))
    assert.ok(events.length >= 2, first.text)
    assert.match(events.at(-1)!, /^event: end\nid: [0-9a-f]{16}\ndata: \{.*"state":"completed"/)
    const id = /id: ([0-9a-f]+)/.exec(events.at(-1)!)![1]!
    const again = await ask(port, json.status, {
      method: 'GET',
      headers: { accept: 'text/event-stream', 'last-event-id': id },
    })
    assert.equal(again.status, 204)
  })

  await t.test('CloudEvents: binary, structured, and a batch that answers a list', async () => {
    const attributes = { 'ce-id': 'a b', 'ce-source': '/test', 'ce-type': 'number', 'ce-specversion': '1.0' }
    const binary = await post(port, '/numbers/odd', { n: 11 }, { ...attributes, 'ce-id': 'a%20b' })
    const again = await post(port, '/numbers/odd', { n: 11 }, { ...attributes, 'ce-id': 'a%20b' })
    assert.deepEqual([binary.status, again.status], [202, 202])
    const event = (id: string, n: number) => ({ specversion: '1.0', id, source: '/test', type: 'number', data: { n } })
    const structured = await post(port, '/numbers/odd', event('s', 13), {
      'content-type': 'application/cloudevents+json',
    })
    assert.equal(structured.status, 202, structured.text)
    const batch = await post(port, '/numbers/odd', [event('b1', 15), event('b2', 17)], {
      'content-type': 'application/cloudevents-batch+json',
    })
    assert.equal(batch.status, 202, batch.text)
    assert.equal(batch.json.length, 2)
    const ids = [binary.json.id, structured.json.id, ...batch.json.map(({ id }: { id: string }) => id)]
    await scene.until(
      'them all',
      `select count(*) = 4 from millrace.transactions where id in (${ids.map((id) => `'${id}'`).join(',')})`,
    )
    const [row] = await scene.ledger.query<{ event_id: string }>(
      'select event_id from millrace.transactions where id = $1',
      [ids[0]],
    )
    assert.equal(row?.event_id, 'a b')
    await scene.until(
      'the copy',
      `select count(*) = 1 from millrace.duplicates where first_transaction_id = '${ids[0]}'`,
    )
    const copy = await ask(port, again.json.status, { method: 'GET' })
    assert.equal(copy.json.id, binary.json.id)
  })

  await t.test('what is refused is refused at once, as a problem', async () => {
    const large = { body: JSON.stringify({ n: 1, pad: 'x'.repeat(70_000) }) }
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`x-${at}`, 'y']))
    const wrong: [string, Parameters<typeof ask>[2], number, string][] = [
      ['/nowhere', {}, 404, 'no_route'],
      ['/numbers/odd', { method: 'PUT' }, 405, 'wrong_method'],
      ['/numbers/odd', { body: '{"n":' }, 400, 'value_not_json'],
      ['/numbers/odd', { body: Buffer.from([0x22, 0xff, 0x22]) }, 400, 'value_not_utf8'],
      ['/numbers/odd', { body: '{"n":"\\u0000"}' }, 422, 'value_unstorable'],
      ['/numbers/odd', { body: `${'['.repeat(50_00)}${']'.repeat(50_00)}` }, 422, 'value_unstorable'],
      ['/numbers/odd', { body: '{}' }, 422, 'expression_failed'],
      ['/numbers/odd', large, 413, 'body_too_large'],
      ['/numbers/odd', { body: 'x', headers: { 'content-encoding': 'gzip' } }, 415, 'content_encoding'],
      ['/numbers/odd', { headers: many }, 431, 'too_many_headers'],
      [`/numbers/odd?x=${'y'.repeat(5000)}`, {}, 414, 'url_too_long'],
      ['/numbers/odd', { headers: { 'idempotency-key': 'é' } }, 400, 'idempotency_key_invalid'],
      ['/transactions/nobody', { method: 'GET' }, 404, 'no_transaction'],
      ['/transactions/01234567-0123-0123-0123-0123456789ab?at=plain.0.0', { method: 'GET' }, 404, 'no_transaction'],
    ]
    for (const [path, asked, status, code] of wrong) {
      const answer = await ask(port, path, asked)
      assert.deepEqual([answer.status, answer.json?.code], [status, code], `${path}: ${answer.text}`)
      assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
    }
  })

  await t.test('OpenAPI tells the routes', async () => {
    const { json } = await ask(port, '/openapi.json', { method: 'GET' })
    assert.equal(json.openapi, '3.1.0')
    assert.deepEqual(Object.keys(json.paths), ['/numbers/{kind}', '/short', '/waiting', '/transactions/{id}'])
  })

  await terminate(coordinator)
})
