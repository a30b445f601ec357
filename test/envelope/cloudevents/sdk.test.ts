/** CloudEvents of ours read by the `cloudevents` SDK, and of the SDK read by ours: Kafka and HTTP, binary, structured, batches. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HTTP, Kafka, type KafkaMessage, type Message, CloudEvent as SdkEvent } from 'cloudevents'
import type { CloudEvent } from '../../../src/envelope/cloudevents/event.ts'
import { eventsOfHttp, httpOfBatch, httpOfEvent } from '../../../src/envelope/cloudevents/http.ts'
import { eventOfRecord, recordOfEvent } from '../../../src/envelope/cloudevents/kafka.ts'
import { fc } from '../../support/fuzz.ts'

const printable = fc.stringMatching(/^[!-~]([ -~]{0,10}[!-~])?$/)
/** Over HTTP anything may stand in a header, percent-encoded; the SDK writes it as it is. */
const extension = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/).map((name) => `x${name}`)
const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 4,
  noNullPrototype: true,
})

const said = fc.record({
  id: printable.filter((text) => !text.includes('%') && !text.includes('"')),
  source: fc.constantFrom('/shop', 'https://shop.example/orders?x=1', 'urn:a:b'),
  type: fc.constantFrom('order.placed', 'com.example.order'),
  subject: fc.option(fc.constantFrom('order/7', 'a b'), { nil: undefined }),
  // The SDK says the time of its making where there is none.
  time: fc.constant('2026-05-01T10:00:00.000Z'),
  dataschema: fc.option(fc.constantFrom('https://shop.example/order.json'), { nil: undefined }),
  extensions: fc.dictionary(extension, fc.constantFrom('eu', '7', 'a-b'), { maxKeys: 2, noNullPrototype: true }),
  data: json,
})
type Said = typeof said extends fc.Arbitrary<infer T> ? T : never

function ours({ extensions, data, ...attributes }: Said): CloudEvent {
  const given = Object.entries({ specversion: '1.0', ...attributes, ...extensions }).filter(
    ([, text]) => text !== undefined,
  )
  return {
    attributes: new Map(given as [string, string][]),
    contentType: 'application/json',
    data: Buffer.from(JSON.stringify(data)),
  }
}

function theirs({ extensions, data, ...attributes }: Said): SdkEvent<unknown> {
  const given = Object.fromEntries(Object.entries(attributes).filter(([, text]) => text !== undefined))
  return new SdkEvent({ datacontenttype: 'application/json', ...given, ...extensions, data } as never)
}

/** What matters of either. */
function plainOurs({ attributes, contentType, data }: CloudEvent): object {
  return {
    ...Object.fromEntries(attributes),
    datacontenttype: contentType?.split(';')[0],
    data: data === null ? null : JSON.parse(data.toString('utf8')),
  }
}

function plainTheirs(event: SdkEvent<unknown>): object {
  const { data, datacontenttype, ...attributes } = event.toJSON()
  const texts = Object.entries(attributes).filter(([, value]) => value !== undefined)
  const value =
    typeof data === 'string' || data instanceof Uint8Array
      ? JSON.parse(Buffer.from(data as string).toString('utf8'))
      : data
  return {
    ...Object.fromEntries(texts.map(([name, each]) => [name, String(each)])),
    datacontenttype: String(datacontenttype).split(';')[0],
    data: value,
  }
}

function headersOf(headers: Readonly<Record<string, unknown>>): Map<string, string> {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined)
  return new Map(given.map(([name, value]) => [name.toLowerCase(), String(value)]))
}

const toBuffer = (body: unknown) =>
  typeof body === 'string' || body instanceof Uint8Array
    ? Buffer.from(body as string)
    : Buffer.from(JSON.stringify(body))

for (const mode of ['binary', 'structured'] as const) {
  test(`Kafka, ${mode}: the SDK reads what is written here`, () => {
    fc.assert(
      fc.property(said, (given) => {
        const { headers, value } = recordOfEvent(ours(given), mode)
        const named = Object.fromEntries(headers.map((header) => [header.name, header.value.toString('utf8')]))
        const message = { headers: named, body: value?.toString('utf8'), value: value?.toString('utf8'), key: '' }
        const read = Kafka.toEvent(message as unknown as KafkaMessage<string>) as SdkEvent<unknown>
        const { partitionkey: _, ...rest } = plainTheirs(read) as Record<string, unknown>
        assert.deepEqual(rest, plainOurs(ours(given)))
      }),
    )
  })

  test(`Kafka, ${mode}: what the SDK writes is read here`, () => {
    fc.assert(
      fc.property(said, (given) => {
        const message = Kafka[mode](theirs(given)) as KafkaMessage<unknown>
        const read = eventOfRecord(headersOf(message.headers), toBuffer(message.value))
        assert.ok(read)
        assert.deepEqual(plainOurs(read), plainTheirs(theirs(given)))
      }),
    )
  })

  test(`HTTP, ${mode}: the SDK reads what is written here`, () => {
    fc.assert(
      fc.property(said, (given) => {
        const { headers, body } = httpOfEvent(ours(given), mode)
        fc.pre(mode === 'structured' || !Object.values(headers).some((text) => text.includes('%')))
        const read = HTTP.toEvent({
          headers: { ...headers },
          body: body.toString('utf8'),
        } as Message) as SdkEvent<unknown>
        assert.deepEqual(plainTheirs(read), plainOurs(ours(given)))
      }),
    )
  })

  test(`HTTP, ${mode}: what the SDK writes is read here`, () => {
    fc.assert(
      fc.property(said, (given) => {
        const { headers, body } = HTTP[mode](theirs(given)) as Message
        const read = eventsOfHttp(headersOf(headers), toBuffer(body))
        assert.equal(read?.mode, mode)
        assert.deepEqual(read?.events.map(plainOurs), [plainTheirs(theirs(given))])
      }),
    )
  })
}

test('HTTP, batch: the SDK reads what is written here, and ours reads it, too', () => {
  fc.assert(
    fc.property(fc.array(said, { minLength: 1, maxLength: 4 }), (given) => {
      const { headers, body } = httpOfBatch(given.map(ours))
      const read = HTTP.toEvent({
        headers: { ...headers },
        body: body.toString('utf8'),
      } as Message) as SdkEvent<unknown>[]
      assert.deepEqual(read.map(plainTheirs), given.map(ours).map(plainOurs))
      const own = eventsOfHttp(headersOf(headers), body)
      assert.equal(own?.mode, 'batch')
      assert.deepEqual(own?.events.map(plainOurs), given.map(ours).map(plainOurs))
    }),
  )
})

test('whatever text an attribute has, it comes back over HTTP, in ASCII on the way', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/\p{Surrogate}/u.test(text)),
      (subject) => {
        const attributes = new Map(Object.entries({ specversion: '1.0', id: '1', source: 's', type: 't', subject }))
        const { headers, body } = httpOfEvent({ attributes, contentType: null, data: null }, 'binary')
        assert.match(headers['ce-subject'] ?? '', /^[!-~]*$/)
        assert.equal(eventsOfHttp(headersOf(headers), body)?.events[0]?.attributes.get('subject'), subject)
      },
    ),
  )
})

test('data that is no JSON goes as text or in base64, and comes back', () => {
  const time = '2026-05-01T10:00:00.000Z'
  const attributes = new Map(Object.entries({ specversion: '1.0', id: '1', source: 's', type: 't', time }))
  const contents: readonly (readonly [string, Buffer, string])[] = [
    ['application/xml', Buffer.from('<a>ž</a>'), 'data'],
    ['text/csv', Buffer.from('a,b'), 'data'],
    ['application/cbor', Buffer.from('a0', 'hex'), 'data_base64'],
    ['application/octet-stream', Buffer.from('ff', 'hex'), 'data_base64'],
  ]
  for (const [contentType, data, member] of contents) {
    const { headers, value } = recordOfEvent({ attributes, contentType, data }, 'structured')
    assert.ok(Object.hasOwn(JSON.parse(String(value)), member), contentType)
    const named = new Map(headers.map((header) => [header.name, header.value.toString('utf8')]))
    const read = eventOfRecord(named, value as Buffer)
    assert.deepEqual([read?.contentType, read?.data], [contentType, data])
    const sdk = Kafka.toEvent({
      headers: Object.fromEntries(named),
      body: String(value),
      value: String(value),
      key: '',
    } as never)
    assert.equal((sdk as SdkEvent<unknown>).datacontenttype, contentType)
  }
})
