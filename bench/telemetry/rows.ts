/** `npm run bench -- --telemetry`: the drain with telemetry on against off, by turns. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Room, type Row, slower } from '../growth/row.ts'
import { load } from '../parts.ts'
import type { Verdict } from '../verdict.ts'

const eventsDefault = 40_000

const sampled: Row = {
  name: 'telemetry',
  about: 'Traces of one in a hundred and all metrics by OTLP, and Prometheus’ page, against none.',
  run: (room) => onAgainstOff(room, 'telemetry', 0.01),
}

const whole: Row = {
  name: 'telemetry-all',
  about: 'The same with every trace, as while something is looked for; to be read, and held to no limit.',
  async run(room) {
    const verdict = await onAgainstOff(room, 'telemetry-all', 1)
    return { ...verdict, limit: '', passed: true }
  },
}

export const rows: readonly Row[] = [sampled, whole]

async function onAgainstOff(room: Room, row: string, ratio: number): Promise<Verdict> {
  const sink = await startSink()
  try {
    const same = { load: load(room.events ?? eventsDefault) }
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      OTEL_METRICS_EXPORTER: 'otlp,prometheus',
      OTEL_METRIC_EXPORT_INTERVAL: '5000',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: String(ratio),
    }
    const verdict = await slower(room, row, 10, { ...same, extras: { env } }, same)
    return { ...verdict, more: [...(verdict.more ?? []), `the receiver was sent ${sink.seen()}`] }
  } finally {
    sink.stop()
  }
}

/** Takes what is exported and looks at none of it: what a receiver costs is not the engine's. */
async function startSink() {
  const requests = new Map<string, { count: number; bytes: number }>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const seen = requests.get(path) ?? { count: 0, bytes: 0 }
    requests.set(path, seen)
    seen.count++
    request.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length
    })
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: () => [...requests].map(([path, { count, bytes }]) => `${path}: ${count} requests, ${bytes} B`).join('; '),
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
