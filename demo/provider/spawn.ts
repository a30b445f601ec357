/** Starts the provider as the demo and the tests do: as a process that lives no longer than its parent. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { EngineError } from '../../src/base/error.ts'
import type { AdsSettings } from './ads.ts'
import type { Faults } from './faults.ts'
import type { Summary } from './payments.ts'
import type { SessionCounts } from './sessions.ts'

export interface ProviderOptions {
  /** The file it keeps its book in. */
  readonly book: string
  /** 0 takes a free port. */
  readonly port?: number
  readonly adsPort?: number
}

/** Resolves when it answers. */
export async function startProvider(options: ProviderOptions): Promise<Provider> {
  const { book, port = 0, adsPort = 0 } = options
  const args = [mainFile, '--book', book, '--port', String(port), '--ads-port', String(adsPort)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env: {} })
  // A provider that is gone already needs no lifeline.
  child.stdin.on('error', () => {})
  return new Provider(child, await ready(child))
}

export class Provider {
  /** For PROVIDER_URL, ADS_URL and SESSIONS_URL. */
  readonly url: string
  readonly adsUrl: string
  readonly sessionsUrl: string
  readonly port: number
  readonly adsPort: number
  readonly #child: Child
  readonly #exited: Promise<unknown>

  constructor(child: Child, ports: Ports) {
    this.#child = child
    this.#exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve()
    this.port = ports.port
    this.adsPort = ports.adsPort
    this.url = `http://127.0.0.1:${ports.port}`
    this.adsUrl = `http://127.0.0.1:${ports.adsPort}`
    this.sessionsUrl = `http://127.0.0.1:${ports.sessionsPort}`
  }

  get pid(): number {
    return this.#child.pid!
  }

  async control(faults: Pick<Faults, 'mode'> & Partial<Faults>): Promise<void> {
    await ask(`${this.url}/control`, faults)
  }

  async controlAds(settings: AdsSettings): Promise<void> {
    await ask(`${this.adsUrl}/control`, settings)
  }

  async summary(): Promise<Summary> {
    return (await ask(`${this.url}/book/summary`)) as Summary
  }

  async sessions(): Promise<SessionCounts> {
    return (await ask(`${this.sessionsUrl}/sessions`)) as SessionCounts
  }

  /** Ends it in good order; twice is safe. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

interface Ports {
  readonly port: number
  readonly adsPort: number
  readonly sessionsPort: number
}

type Child = ChildProcessByStdio<Writable, Readable, null>

const mainFile = fileURLToPath(new URL('./main.js', import.meta.url))

async function ready(child: Child): Promise<Ports> {
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line)
  throw new EngineError('provider_not_started', 'the payment provider ended before it was ready; see its output above')
}

async function ask(url: string, body?: unknown): Promise<unknown> {
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(url, body === undefined ? {} : post)
  const text = await response.text()
  if (!response.ok) throw new EngineError('provider_refused', `${url} answered ${response.status}: ${text}`)
  return JSON.parse(text)
}
