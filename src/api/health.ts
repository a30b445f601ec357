/**
 * Two questions that a supervisor asks, `/healthz` (is it alive) and `/readyz` (does it do its work), answered as JSON; and
 * `/metrics`, which Prometheus asks, where that is wanted.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EngineError, messageOf } from '../base/error.ts'

export interface HealthOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly health: () => { readonly ready: boolean; readonly reasons: readonly string[] }
  /** True once the engine is broken. */
  readonly failed: () => boolean
  /** What answers `/metrics`; null: nothing does. */
  readonly metrics?: () => ((request: IncomingMessage, response: ServerResponse) => void) | null
}

export interface HealthServer extends AsyncDisposable {
  readonly port: number
  stop(): Promise<void>
}

/** Throws `EngineError` `port_in_use` or `cannot_listen`. */
export async function serveHealth(options: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => answer(request, response, options))
  await listen(server, options)
  const { port } = server.address() as AddressInfo
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= close(server)
    return stopped
  }
  return { port, stop, [Symbol.asyncDispose]: stop }
}

function answer(request: IncomingMessage, response: ServerResponse, options: HealthOptions): void {
  const { health, failed, metrics } = options
  const path = request.url?.split('?')[0]
  const state = health()
  const tell = path === '/metrics' ? (metrics?.() ?? null) : null
  if (path === '/healthz') send(response, failed() ? 503 : 200, { alive: !failed() })
  else if (path === '/readyz') send(response, state.ready ? 200 : 503, state)
  else if (tell !== null) tell(request, response)
  else if (path === '/metrics') send(response, 404, { error: 'set OTEL_METRICS_EXPORTER=prometheus to have it' })
  else send(response, 404, { error: 'there is /healthz, /readyz and /metrics' })
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}

function listen(server: Server, { host, port }: HealthOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(cause, host, port)))
    server.listen({ host, port }, () => resolve())
  })
}

function cannotListen(cause: NodeJS.ErrnoException, host: string, port: number): EngineError {
  const other = 'choose another one with MILLRACE_HTTP_PORT (0 takes a free one)'
  if (cause.code === 'EADDRINUSE') {
    const message = `port ${port} of ${host}, asked for by /healthz and /readyz, is in use; ${other}`
    return new EngineError('port_in_use', message, { cause, details: { host, port } })
  }
  const message = `cannot listen on ${host}:${port} (${messageOf(cause)}); see MILLRACE_HTTP_HOST and MILLRACE_HTTP_PORT`
  return new EngineError('cannot_listen', message, { cause, details: { host, port } })
}

/** A supervisor that keeps its connection open keeps nothing waiting. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
