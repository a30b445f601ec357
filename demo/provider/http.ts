/** What the payment and the ads server share of plain node:http: bodies in, JSON out, a start and a stop. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** An order or a setting is a few hundred bytes; more is a mistake. */
const bodyBytesMax = 64 * 1024

/** Listens on 127.0.0.1; port 0 takes a free one. A handler that throws is answered 500, and reported. */
export async function listen(port: number, handler: Handler): Promise<Server> {
  const server = createServer((request, response) => {
    handler(request, response).catch((error) => {
      console.error(error)
      if (response.headersSent) response.destroy()
      else answer(response, 500, { code: 'internal', message: String(error) })
    })
  })
  // Longer than any client keeps an idle connection, so that it is never the server that hangs up first.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return server
}

/** Answers what has been asked, takes nothing more. */
export async function close(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const deadline = setTimeout(() => server.closeAllConnections(), 2000)
  await closed
  clearTimeout(deadline)
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

export function answer(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(text)
}

/** The body as JSON; undefined when it is too long or no JSON. */
export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes <= bodyBytesMax) chunks.push(chunk)
  }
  if (bytes > bodyBytesMax) return undefined
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  }
}
