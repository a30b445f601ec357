/** Which way a request comes, and in which format: one event after the other as they would in a day. */
import { createHmac } from 'node:crypto'
import JSON5 from 'json5'
import { stringify as toYaml } from 'yaml'
import type { Fate } from './fates.ts'
import type { Random } from './random.ts'

/** `page` and `box` come over HTTP, all others by Kafka. */
export type Channel = 'json' | 'json5' | 'yaml' | 'xml' | 'avro' | 'paired' | 'page' | 'box'

export const channels: Readonly<Record<Channel, { readonly title: string; readonly share: number }>> = {
  json: { title: 'Kafka, JSON; token and key', share: 0.34 },
  json5: { title: 'Kafka, JSON5; token and key', share: 0.1 },
  yaml: { title: 'Kafka, YAML; token and key', share: 0.1 },
  xml: { title: 'Kafka, XML; token and signature', share: 0.1 },
  avro: { title: 'Kafka, Avro by the registry; token and key', share: 0.12 },
  paired: { title: 'Kafka, JSON; pairing code and key', share: 0.04 },
  page: { title: 'HTTP, a web page; token and key', share: 0.14 },
  box: { title: 'HTTP, a set-top box; password and key', share: 0.06 },
}

/** What is broken on purpose is broken JSON, and what HTTP refuses is no event. */
export function channelFor(fate: Fate, random: Random): Channel {
  const lot = random.fraction()
  if (fate === 'not_json' || fate === 'broken_utf8') return 'json'
  const fit = (Object.keys(channels) as Channel[]).filter((channel) => mayBe(fate, channel))
  let left = lot * fit.reduce((sum, channel) => sum + channels[channel].share, 0)
  for (const channel of fit) {
    left -= channels[channel].share
    if (left < 0) return channel
  }
  return 'json'
}

function mayBe(fate: Fate, channel: Channel): boolean {
  if (fate === 'token_expired' || fate === 'token_forged') return !['paired', 'page', 'box'].includes(channel)
  return fate !== 'unknown_site' || channel !== 'xml'
}

export function isHttp(channel: Channel): boolean {
  return channel === 'page' || channel === 'box'
}

export type Data = { readonly [name: string]: string | number | Data }

/** Of all but Avro, whose schema the registry numbers. */
export function written(data: Data, channel: Channel): { readonly type: string; readonly value: Buffer } {
  switch (channel) {
    case 'json5':
      return { type: 'application/json5', value: Buffer.from(`// as typed by hand\n${JSON5.stringify(data, null, 2)}`) }
    case 'yaml':
      return { type: 'application/yaml', value: Buffer.from(toYaml(data)) }
    case 'xml':
      return {
        type: 'application/xml',
        value: Buffer.from(`<?xml version="1.0"?>\n<request>${elements(data)}</request>`),
      }
    default:
      return { type: 'application/json', value: Buffer.from(JSON.stringify(data)) }
  }
}

function elements(data: Data): string {
  const parts = Object.entries(data).map(([name, value]) => {
    return `<${name}>${typeof value === 'object' ? elements(value) : escaped(String(value))}</${name}>`
  })
  return parts.join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** As Standard Webhooks signs (https://www.standardwebhooks.com). */
export function signed(id: string, at: Date, value: Buffer, secret: string): Record<string, string> {
  const seconds = String(Math.floor(at.getTime() / 1000))
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.`).update(value).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` }
}
