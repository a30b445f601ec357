/**
 * The events of the demo, as any producer would send them: CloudEvents 1.0 in binary content mode
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md), with what tells who the viewer
 * and the site are in headers. Each comes with what should become of it.
 */
import { createHash } from 'node:crypto'
import type { Film, Plan } from '../../workflows/video/world.ts'
import { type Channel, channelFor, type Data, isHttp, signed, written } from './channels.ts'
import { type Ending, endings, type Fate, makeFates } from './fates.ts'
import { languageOf } from './geography.ts'
import { type Random, randomFrom } from './random.ts'
import type { TokenKind } from './tokens.ts'
import { makeViewers, type Viewer, type Viewers } from './viewers.ts'
import { dueFor, makeViewing, type Viewing } from './viewings.ts'
import type { DemoWorld } from './world.ts'

export interface DemoRequest {
  /** The CloudEvents id, which is the transaction's `event_id`. */
  readonly id: string
  readonly key: string
  readonly value: Buffer
  /** In Kafka's spelling. */
  readonly headers: Readonly<Record<string, string>>
  readonly channel: Channel
  readonly fate: Fate
  /** What the viewer does if the film begins. */
  readonly viewing: Viewing
  readonly expect: Expectation
}

export interface Expectation extends Ending {
  /** What the viewer should have paid in the end, in minor units; absent when nothing. */
  readonly charged?: { readonly currency: string; readonly amount: number }
}

/** How a request is written as Avro; its first byte says that it is, and the next four by which schema. */
export type ToAvro = (data: Data) => Promise<Buffer>

/** The same for the same seed and world, but for the tokens' signatures. `avro` null: all are JSON by Kafka, with token and key. */
export async function makeRequests(options: {
  events: number
  world: DemoWorld
  avro?: ToAvro | null
}): Promise<DemoRequest[]> {
  const { events, world, avro = null } = options
  const random = randomFrom(`${world.seed}:requests`)
  const viewings = randomFrom(`${world.seed}:viewings`)
  const ways = randomFrom(`${world.seed}:channels`)
  const viewers = makeViewers(events, world.seed, world.adsDownIn)
  const drafts = makeFates(events, world.seed).map((fate, at) => {
    const channel = avro === null ? 'json' : channelFor(fate, ways)
    return draft(fate, channel, at, viewers, world, random, viewings)
  })
  return Promise.all(drafts.map((one) => finish(one, world, avro)))
}

/** Everything of a request that chance decides. */
interface Draft {
  readonly fate: Fate
  readonly channel: Channel
  readonly id: string
  readonly viewer: Viewer
  readonly film: Film
  readonly viewing: Viewing
  readonly site: string
  readonly apiKey: string
  readonly time: Date
}

function draft(
  fate: Fate,
  channel: Channel,
  at: number,
  viewers: Viewers,
  world: DemoWorld,
  random: Random,
  viewings: Random,
): Draft {
  const viewer = random.pick(viewersOf(fate, viewers))
  const film = random.pick(world.facts.films)
  const drawn = makeViewing(film, viewings)
  const viewing = fate === 'difference_declined' ? { watchedSeconds: 2 * film.seconds } : drawn
  const drawnSite = random.pick(world.facts.sites).id
  const site = channel === 'xml' ? world.partner.site : drawnSite
  const apiKey = world.siteKeys[site]!
  const time = new Date(world.now.getTime() + at)
  const id = `${world.run}-${String(at + 1).padStart(7, '0')}`
  const named = fate === 'unknown_site' ? 'nobody-knows-us' : site
  return { fate, channel, id, viewer, film, viewing, site: named, apiKey, time }
}

function viewersOf(fate: Fate, viewers: Viewers): readonly Viewer[] {
  if (fate === 'ads_down') return viewers.withoutAds
  return fate === 'no_region' ? viewers.unserved : viewers.served
}

async function finish(draft: Draft, world: DemoWorld, avro: ToAvro | null): Promise<DemoRequest> {
  const { fate, channel, id, viewer, viewing, time } = draft
  const { end, code } = endings[fate]
  const due = end === 'completed' ? dueOf(draft, world) : null
  const charged = due !== null && due.amount > 0 ? { charged: due } : {}
  const { type, value } = await bytesOf(draft, avro)
  const headers = {
    ce_specversion: '1.0',
    ce_id: id,
    ce_type: 'video.requested',
    ce_source: `https://${draft.site}.example/player`,
    ce_time: time.toISOString(),
    ...(type === null ? {} : { 'content-type': type }),
    traceparent: traceOf(id),
    ...(await viewerShown(draft, world)),
    ...(channel === 'xml' ? signed(id, time, value, world.partner.secret) : { 'x-api-key': draft.apiKey }),
  }
  const expect: Expectation = { end, ...(code === undefined ? {} : { code }), ...charged }
  return { id, key: viewer.id, value, headers, channel, fate, viewing, expect }
}

/** Which way they come, and whether over HTTP. */
export function overHttp({ channel }: DemoRequest): boolean {
  return isHttp(channel)
}

async function viewerShown({ channel, fate, viewer }: Draft, world: DemoWorld): Promise<Record<string, string>> {
  const { boxes, tokens } = world
  if (channel === 'paired') return { 'x-pairing-code': boxes.codes.get(viewer.id)! }
  if (channel !== 'box') return { authorization: await tokens.bearer(viewer.id, viewer.plan, tokenOf(fate)) }
  return { authorization: `Basic ${Buffer.from(`${viewer.id}:${boxes.passwords.get(viewer.id)}`).toString('base64')}` }
}

/** As a browser that traces would send it (https://www.w3.org/TR/trace-context/). */
function traceOf(id: string): string {
  const digits = createHash('sha256').update(id).digest('hex')
  return `00-${digits.slice(0, 32)}-${digits.slice(32, 48)}-01`
}

function tokenOf(fate: Fate): TokenKind {
  if (fate === 'token_expired') return 'expired'
  return fate === 'token_forged' ? 'forged' : 'good'
}

async function bytesOf(draft: Draft, avro: ToAvro | null): Promise<{ type: string | null; value: Buffer }> {
  const { fate, channel, viewer, film, site } = draft
  const { city } = viewer
  const { name, country, lat, lng } = city
  const data = {
    viewer: { id: viewer.id, city: name, country, lat, lng, language: languageOf(country) },
    film: { id: film.id },
    site: { id: site },
    payment: { card: cardOf(draft) },
  }
  if (channel === 'avro' && avro !== null) return { type: null, value: await avro(data) }
  const { type, value } = written(data, channel)
  if (fate === 'not_json') return { type, value: value.subarray(0, value.length - 9) }
  return { type, value: fate === 'broken_utf8' ? withBrokenCity(value, name) : value }
}

/** The city's name in Latin-1, as a careless producer writes it: `é` alone is no UTF-8. */
function withBrokenCity(value: Buffer, city: string): Buffer {
  const at = value.indexOf(city)
  const latin = Buffer.concat([Buffer.from([0xe9]), Buffer.from(city, 'latin1')])
  return Buffer.concat([value.subarray(0, at), latin, value.subarray(at + Buffer.byteLength(city))])
}

function cardOf({ fate, id, viewer }: Draft): string {
  if (fate === 'card_declined') return viewer.card.replace('card_ok', 'card_declined')
  return fate === 'difference_declined' ? `card_single_${id}` : viewer.card
}

function dueOf({ viewer, viewing, film }: Draft, { facts }: DemoWorld): { currency: string; amount: number } {
  const currency = facts.currencies[viewer.city.country]!
  const price = facts.prices[currency]![viewer.plan as Plan]
  return { currency, amount: dueFor(price, viewing, film) }
}
