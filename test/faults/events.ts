/**
 * What is published: events of accounts, and records that are bad in every way a producer can think of. What is to become
 * of a record stands in its header `expect`, so that the oracle knows it from Kafka alone.
 */
import { gzipSync } from 'node:zlib'
import type { Message } from 'kafkajs'

/**
 * `ok`: both workflows complete. `dead`: a dead letter for both. `dead-charge`: one for `charge`, `tally` completes.
 * `some`: it is accounted for, no matter as what.
 */
export type Expectation = 'ok' | 'dead' | 'dead-charge' | 'some'

export const expectHeader = 'expect'

const accounts = 200

export interface EventOptions {
  /** What happens to the process that charges it, once. */
  readonly dies?: 'no' | 'before' | 'after'
  readonly more?: Readonly<Record<string, unknown>>
}

export function eventOf(n: number, { dies = 'no', more = {} }: EventOptions = {}): Message {
  const account = `account-${n % accounts}`
  return message(account, JSON.stringify({ n, account, dies, ...more }), 'ok')
}

/** The same as a CloudEvent, so that its copies are known by its id. */
export function cloudEventOf(n: number, options?: EventOptions): Message {
  const event = eventOf(n, options)
  const attributes = { ce_specversion: '1.0', ce_id: `event-${n}`, ce_type: 'test.event', ce_source: '/faults' }
  return { ...event, headers: { ...event.headers, ...attributes } }
}

/** The n-th event, bad in the n-th way. */
export function badRecord(n: number): Message {
  const ways = badWays(n)
  const way = ways[n % ways.length] as Way
  return message(`bad-${n % ways.length}`, way.value, way.expect, way.headers)
}

/** Values above this are dead letters in the arenas. */
export const valueBytesMax = 65_536

interface Way {
  readonly value: string | Buffer | null
  readonly expect: Expectation
  readonly headers?: Readonly<Record<string, string | Buffer>>
}

export const badWaysCount = (): number => badWays(0).length

function badWays(n: number): Way[] {
  const good = { n, account: `account-${n % accounts}`, dies: 'no' }
  const dead = (value: string | Buffer | null, headers?: Way['headers']): Way => ({
    value,
    expect: 'dead',
    ...(headers && { headers }),
  })
  const cloudEvent = { ce_specversion: '1.0', ce_type: 'test.bad', ce_source: '/faults' }
  const structured = { 'content-type': 'application/cloudevents+json' }
  return [
    dead(null),
    dead(''),
    dead('{"n": '),
    dead(Buffer.from([0x22, 0xc3, 0x28, 0x22])),
    dead(gzipSync(JSON.stringify(good))),
    dead(JSON.stringify({ ...good, filler: 'x'.repeat(valueBytesMax) })),
    dead(JSON.stringify({ ...good, note: '\u0000' })),
    dead(JSON.stringify({ ...good, note: '\ud800' })),
    dead(`${'['.repeat(20_000)}${']'.repeat(20_000)}`),
    dead(JSON.stringify(good), cloudEvent),
    dead(JSON.stringify(good), { ...cloudEvent, ce_id: `bad-${n}`, ce_time: 'yesterday' }),
    dead('[1]', structured),
    { value: JSON.stringify({ n, dies: 'no' }), expect: 'dead-charge' },
    { value: JSON.stringify({ ...good, account: 1.5 }), expect: 'dead-charge' },
    { value: '[]', expect: 'dead-charge' },
    { value: '1e400', expect: 'some' },
    { value: JSON.stringify({ ...good, account: 'x'.repeat(20_000) }), expect: 'some' },
    { value: JSON.stringify({ ...good, n: 'not a number' }), expect: 'some' },
    { value: `{"n": ${n}, "account": "a", "account": "b", "dies": "no", "__proto__": {"n": 1}}`, expect: 'some' },
    { value: JSON.stringify(good), expect: 'some', headers: { odd: Buffer.from([0, 0xff]) } },
    { value: JSON.stringify(good), expect: 'ok', headers: { odd: Buffer.from([0xff, 0xfe]), ['h'.repeat(500)]: '' } },
  ]
}

function message(
  key: string,
  value: string | Buffer | null,
  expect: Expectation,
  headers: Readonly<Record<string, string | Buffer>> = {},
): Message {
  return { key, value, headers: { ...headers, [expectHeader]: expect } }
}
