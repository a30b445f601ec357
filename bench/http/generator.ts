/**
 * Requests at a steady rate, from a process of its own: `node generator.js PORT PER_SECOND SECONDS CONNECTIONS`. Each request is due at
 * its time, whether or not the ones before it were answered; what it waited for a free connection counts as its own. It speaks
 * HTTP by hand, so that it takes little of what is measured.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Generated {
  readonly sent: number
  /** status -> how often; 0: the connection was lost. */
  readonly statuses: Readonly<Record<string, number>>
  readonly ids: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  /** How late it was itself at worst with a request, in milliseconds. */
  readonly lateMs: number
  /** Seconds of its own CPU. */
  readonly cpuS: number
  readonly seconds: number
}

const [port = 0, perSecond = 0, seconds = 0, connections = 0] = process.argv.slice(2).map(Number)

const latencies: number[] = []
const statuses: Record<string, number> = {}
const ids = new Set<string>()
const free: Line[] = []
const waiting: number[] = []
let answered = 0

/** One connection, with one request at a time. */
class Line {
  #socket: Socket
  #text = ''
  #dueMs = 0

  constructor() {
    this.#socket = this.#open()
  }

  ask(dueMs: number, n: number): void {
    this.#dueMs = dueMs
    this.#socket.write(requestText(n))
  }

  #open(): Socket {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }).setEncoding('latin1')
    socket.on('data', (text: string) => this.#hear(text))
    socket.on('error', () => undefined)
    socket.on('close', () => this.#lost())
    return socket
  }

  #hear(text: string): void {
    this.#text += text
    const end = this.#text.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(this.#text)?.[1] ?? 0)
    if (this.#text.length < end + 4 + length) return
    const status = this.#text.slice(9, 12)
    const id = /"id":"([^"]+)"/.exec(this.#text)?.[1]
    if (id !== undefined) ids.add(id)
    this.#text = ''
    this.#done(status)
  }

  #lost(): void {
    this.#text = ''
    this.#socket = this.#open()
    if (this.#dueMs > 0) this.#done('0')
  }

  #done(status: string): void {
    statuses[status] = (statuses[status] ?? 0) + 1
    latencies.push(performance.now() - this.#dueMs)
    this.#dueMs = 0
    answered++
    free.push(this)
    serve()
  }
}

let asked = 0

function serve(): void {
  while (waiting.length > 0 && free.length > 0) (free.pop() as Line).ask(waiting.shift() as number, asked++)
}

function requestText(n: number): string {
  const body = `{"n":${n},"pad":"${pad}"}`
  return `POST /work HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

const pad = 'x'.repeat(250)

async function run(): Promise<Generated> {
  for (let n = 0; n < connections; n++) free.push(new Line())
  await sleep(500)
  const total = perSecond * seconds
  const before = process.cpuUsage()
  const startMs = performance.now()
  let due = 0
  let lateMs = 0
  while (due < total) {
    const nowMs = performance.now()
    for (; due < total && startMs + (due * 1000) / perSecond <= nowMs; due++) {
      const dueMs = startMs + (due * 1000) / perSecond
      lateMs = Math.max(lateMs, nowMs - dueMs)
      waiting.push(dueMs)
    }
    serve()
    await sleep(1)
  }
  const untilMs = performance.now() + 30_000
  while (answered < total && performance.now() < untilMs) await sleep(10)
  const cpu = process.cpuUsage(before)
  latencies.sort((a, b) => a - b)
  const at = (part: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(part * latencies.length))] ?? Number.NaN
  return {
    ...{ sent: total, statuses, ids: ids.size, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1), lateMs },
    cpuS: (cpu.user + cpu.system) / 1e6,
    seconds: (performance.now() - startMs) / 1000,
  }
}

process.stdout.write(`${JSON.stringify(await run())}\n`)
process.exit()
