/** How many requests came which way, and how those over HTTP were answered. */
import type { Answered } from './clicks.ts'
import { type Channel, channels } from './world/channels.ts'
import { type DemoRequest, overHttp } from './world/requests.ts'

export interface ChannelRow {
  readonly title: string
  readonly sent: number
  /** Of all over HTTP together, in their first row; null of others. `ms`: the median, and the 99th of a hundred. */
  readonly answered: {
    readonly count: number
    readonly located: number
    readonly p50: number
    readonly p99: number
  } | null
}

export function channelRows(requests: readonly DemoRequest[], answers: readonly Answered[]): ChannelRow[] {
  const rows = (Object.keys(channels) as Channel[]).flatMap((channel) => {
    const sent = requests.filter((request) => request.channel === channel).length
    return sent === 0 ? [] : [{ title: channels[channel].title, sent, answered: null }]
  })
  const sent = requests.filter(overHttp).length
  if (sent === 0) return rows
  return [...rows, { title: 'all over HTTP', sent, answered: answeredOf(answers) }]
}

/** 200 with a location, or 422 with why there is none, or 202 when it took too long. */
function answeredOf(answers: readonly Answered[]): NonNullable<ChannelRow['answered']> {
  const good = answers.filter(({ status }) => [200, 202, 422].includes(status))
  const times = good.map(({ ms }) => ms).sort((a, b) => a - b)
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0
  const located = good.filter(({ location }) => location !== null).length
  return { count: good.length, located, p50: at(0.5), p99: at(0.99) }
}
