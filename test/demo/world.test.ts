/** The world is real where it says so, adds up, and repeats itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digitsOf, formatMoney } from '../../demo/money.ts'
import { allCities, audience } from '../../demo/world/audience.ts'
import { channels } from '../../demo/world/channels.ts'
import type { Fate } from '../../demo/world/fates.ts'
import { spotPrice } from '../../demo/world/prices.ts'
import { randomFrom } from '../../demo/world/random.ts'
import { unlicensed } from '../../demo/world/regions.ts'
import { type DemoRequest, makeRequests } from '../../demo/world/requests.ts'
import { makeWorld } from '../../demo/world/world.ts'
import { decode } from '../../src/envelope/decode.ts'
import { distanceKm } from '../../workflows/video/distance.ts'
import { split } from '../../workflows/video/split.ts'

const now = new Date('2026-05-01T12:00:00Z')

test('the same seed gives the same world and the same requests', async () => {
  const [one, other] = await Promise.all([requestsOf(7), requestsOf(7)])
  assert.deepEqual(one.map(unsigned), other.map(unsigned))
  assert.notDeepEqual(one.map(unsigned), (await requestsOf(8)).map(unsigned))
})

test('every city of the audience is a real one', () => {
  const cities = allCities()
  assert.ok(cities.length > 150)
  assert.ok(cities.every(({ lat, lng }) => Math.abs(lat) <= 90 && Math.abs(lng) <= 180))
})

test('large countries have more viewers', () => {
  const draw = audience(randomFrom('weights'))
  const countries = Array.from({ length: 2000 }, () => draw().country)
  const count = (country: string) => countries.filter((one) => one === country).length
  assert.ok(count('IN') > count('BR') && count('BR') > count('SE'))
})

test('every country of the audience has a region and a price, an unlicensed one has no region', async () => {
  const { facts } = await makeWorld({ seed: 1, now })
  const served = new Set(facts.regions.flatMap(({ serves }) => serves))
  for (const { country } of allCities()) {
    assert.ok(served.has(country), `no region for ${country}`)
    assert.ok(facts.prices[facts.currencies[country]!]!.basic > 0)
  }
  assert.ok(Object.keys(unlicensed).every((country) => !served.has(country)))
})

test('neither the functions’ file nor a secret of the engine holds a key that could be used', async () => {
  const world = await makeWorld({ seed: 1, now })
  const text = JSON.stringify([world.facts, world.secrets])
  assert.ok(Object.values(world.siteKeys).every((key) => !text.includes(key)))
  assert.deepEqual(
    JSON.parse(world.secrets.viewer_keys!).keys.map((key: object) => 'd' in key),
    [false],
  )
})

test('amounts have the digits of their currency', () => {
  assert.deepEqual(['EUR', 'JPY', 'KWD', 'HUF'].map(digitsOf), [2, 0, 3, 2])
  assert.equal(formatMoney(1237, 'KWD'), 'KWD 1.237')
  assert.equal(formatMoney(599, 'JPY'), 'JPY 599')
  assert.equal(formatMoney(-5, 'EUR'), '-EUR 0.05')
  assert.equal(formatMoney(123456789012345678901n, 'EUR'), 'EUR 1,234,567,890,123,456,789.01')
  assert.ok(spotPrice('KWD', 10) >= 1)
})

test('shares sum to the whole', () => {
  assert.deepEqual(split(100, [3333, 3333, 3334]), [33, 33, 34])
  assert.deepEqual(split(1, [5000, 5000]), [1, 0])
  assert.deepEqual(split(599, [5500, 1500, 3000]), [329, 90, 180])
  for (let total = 0; total < 500; total += 1) {
    const parts = split(total, [5733, 1500, 2767])
    assert.equal(parts[0]! + parts[1]! + parts[2]!, total)
  }
  assert.throws(() => split(10, [5000, 4000]), /9000 basis points/)
})

test('distances are those of an atlas', () => {
  const [paris, tokyo] = [
    { lat: 48.8534, lng: 2.3488 },
    { lat: 35.6895, lng: 139.6917 },
  ] as const
  assert.ok(Math.abs(distanceKm(paris, tokyo) - 9712) < 15)
  assert.equal(distanceKm(paris, paris), 0)
  assert.ok(Math.abs(distanceKm({ lat: 0, lng: 179.5 }, { lat: 0, lng: -179.5 }) - 111.2) < 0.1)
})

test('a share of the requests is wrong on purpose, each kind of wrong at least once', async () => {
  const requests = await requestsOf(1, 200)
  const count = (fate: Fate) => requests.filter((request) => request.fate === fate).length
  assert.equal(requests.length, 200)
  assert.equal(count('good'), 200 - 9 * 4)
  const few = await requestsOf(1, 30)
  assert.equal(new Set(few.map(({ fate }) => fate)).size, 10)
  assert.equal((await requestsOf(1, 1)).length, 1)
})

test('requests are CloudEvents in Kafka’s binary mode, a viewer’s several under one key', async () => {
  const requests = await requestsOf(1, 200)
  const [one] = requests
  assert.equal(one!.headers.ce_specversion, '1.0')
  assert.equal(one!.headers.ce_type, 'video.requested')
  assert.match(one!.headers.authorization!, /^Bearer /)
  assert.equal(new Set(requests.map(({ id }) => id)).size, 200)
  assert.ok(new Set(requests.map(({ key }) => key)).size < 100)
  for (const { fate, key, value } of requests) {
    if (fate !== 'not_json' && fate !== 'broken_utf8') assert.equal(JSON.parse(value.toString()).viewer.id, key)
  }
})

test('malformed bytes are malformed', async () => {
  const requests = await requestsOf(1, 200)
  const strict = new TextDecoder('utf-8', { fatal: true })
  for (const { value } of requests.filter(({ fate }) => fate === 'broken_utf8')) {
    assert.throws(() => strict.decode(value))
  }
  for (const { value } of requests.filter(({ fate }) => fate === 'not_json')) {
    assert.throws(() => JSON.parse(strict.decode(value)), SyntaxError)
  }
})

async function requestsOf(seed: number, events = 60): Promise<DemoRequest[]> {
  return makeRequests({ events, world: await makeWorld({ seed, now }) })
}

function unsigned({ headers: { authorization: _, ...headers }, ...request }: DemoRequest) {
  return { ...request, headers }
}

test('every way of coming has its share of requests, and says the same in each format', async () => {
  const world = await makeWorld({ seed: 3, now, events: 400 })
  const requests = await makeRequests({ events: 400, world, avro: async (data) => Buffer.from(JSON.stringify(data)) })
  const plain = await makeRequests({ events: 400, world })
  assert.deepEqual([...new Set(requests.map(({ channel }) => channel))].sort(), Object.keys(channels).sort())
  for (const [at, { channel, value, headers, id }] of requests.entries()) {
    if (plain[at]!.fate === 'not_json' || plain[at]!.fate === 'broken_utf8') continue
    assert.equal(id, plain[at]!.id)
    const { data } = decode(
      { offset: 0, key: null, value, headers: raw(headers), timestampUs: null, fetchedUs: 0 },
      'x',
      100_000,
    ).envelope
    const said = channel === 'xml' ? (data as { request: object }).request : data
    const wanted = JSON.parse(plain[at]!.value.toString()) as { site: object }
    const expected = channel === 'xml' ? { ...wanted, site: { id: 'evening-reel' } } : wanted
    assert.equal(JSON.stringify(said, asText), JSON.stringify(expected, asText), channel)
  }
})

/** In XML all is text. */
function asText(_: string, value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value
}

function raw(headers: DemoRequest['headers']) {
  return Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) }))
}
