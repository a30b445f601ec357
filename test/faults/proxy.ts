/**
 * A TCP proxy that is a bad network: between a coordinator and Postgres it cuts a connection around a commit, adds delay,
 * or swallows one direction. It knows of the protocol only by which bytes a commit is told.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Names of the commit's statements begin so on the wire, each time one is executed. */
const commitMark = Buffer.from('millrace_commit', 'latin1')

/** `answer`: it is carried out and its answer is lost. `request`: it never arrives. `race`: cut while it is carried out. */
export type Cut = 'answer' | 'request' | 'race'

interface Pair {
  readonly client: Socket
  readonly server: Socket
  cutting: Cut | null
}

export class TcpProxy {
  readonly #server: Server
  readonly #to: { readonly host: string; readonly port: number }
  readonly #pairs = new Set<Pair>()
  #cut: Cut | null = null
  #delayMs = 0
  #deaf: 'none' | 'up' | 'down' = 'none'
  /** Commits whose connection was cut. */
  cuts = 0

  constructor(to: { host: string; port: number }) {
    this.#to = to
    this.#server = createServer((client) => this.#join(client))
  }

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as { port: number }).port
  }

  /** The next commit loses its connection. */
  cutNext(how: Cut): void {
    this.#cut = how
  }

  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** `up`: what clients send is swallowed; `down`: what the server answers. Connections stay open. */
  swallow(direction: 'none' | 'up' | 'down'): void {
    this.#deaf = direction
  }

  /** Every connection is cut now. */
  cutAll(): void {
    for (const pair of this.#pairs) this.#end(pair)
  }

  async stop(): Promise<void> {
    this.cutAll()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket): void {
    const pair: Pair = { client, server: connect(this.#to), cutting: null }
    this.#pairs.add(pair)
    for (const socket of [pair.client, pair.server]) {
      socket.setNoDelay(true)
      socket.on('error', () => this.#end(pair))
      socket.on('close', () => this.#end(pair))
    }
    client.on('data', (bytes) => this.#onRequest(pair, bytes))
    pair.server.on('data', (bytes) => this.#onAnswer(pair, bytes))
  }

  #onRequest(pair: Pair, bytes: Buffer): void {
    if (this.#deaf === 'up' || pair.cutting !== null) return
    if (this.#cut !== null && bytes.includes(commitMark)) {
      pair.cutting = this.#cut
      this.#cut = null
      this.cuts++
      if (pair.cutting !== 'request') pair.server.write(bytes)
      if (pair.cutting !== 'answer') this.#end(pair)
      return
    }
    this.#later(() => pair.server.write(bytes))
  }

  #onAnswer(pair: Pair, bytes: Buffer): void {
    if (pair.cutting === 'answer') this.#end(pair)
    else if (this.#deaf !== 'down') this.#later(() => pair.client.write(bytes))
  }

  #later(act: () => void): void {
    if (this.#delayMs === 0) act()
    else setTimeout(act, this.#delayMs)
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return
    pair.client.destroy()
    pair.server.destroy()
  }
}
