/** The server under the door: fastify as it is set up here, what is refused before it is a request, and its certificate. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { EngineError, messageOf } from '../base/error.ts'
import type { DoorLimits } from './limits.ts'
import { problemText, problemType } from './problem.ts'
import { sendProblem } from './reply.ts'

export interface TlsOptions {
  readonly cert: string
  readonly key: string
  /** Authorities of client certificates; null: none is asked for. */
  readonly clientCa: string | null
}

/** Bodies are left to whoever reads them, each with its own limit. */
export function newServer(limits: DoorLimits, tls: TlsOptions | null): FastifyInstance {
  const exchanges: Exchanges = new WeakMap()
  const server = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersMsMax,
    requestTimeout: limits.headersMsMax + limits.bodyMsMax,
    connectionsCheckingInterval: 1000,
  }
  const common = {
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) =>
      answerBroken(error, socket, exchanges.get(socket)),
    frameworkErrors: (error: Error & { statusCode?: number }, _: FastifyRequest, reply: FastifyReply) =>
      void sendProblem(reply, { status: error.statusCode ?? 400, code: 'bad_request' }),
  } as const
  const app = (
    tls === null
      ? Fastify({ ...common, http: server })
      : Fastify({ ...common, https: { ...server, ...httpsOptions(tls) } })
  ) as FastifyInstance
  app.server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    exchanges.set(request.socket, { request, response }),
  )
  app.server.maxConnections = limits.connectionsMax
  // Node would leave out what is too much without a word; it is counted by us.
  app.server.maxHeadersCount = 0
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  return app
}

/** Throws `EngineError` `port_in_use` or `cannot_listen`. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    throw cannotListen(cause, host, port)
  }
}

export function renewTls({ server }: FastifyInstance, { cert, key, clientCa }: TlsOptions): void {
  const context: SecureContextOptions = { cert, key, ...(clientCa === null ? {} : { ca: clientCa }) }
  if (!('setSecureContext' in server)) return
  ;(server as unknown as { setSecureContext(context: SecureContextOptions): void }).setSecureContext(context)
}

function httpsOptions({ cert, key, clientCa }: TlsOptions) {
  // Who shows none, or one of somebody else, is let in as far as its route lets it: the ways of the workflow decide.
  const client = clientCa === null ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false }
  return { cert, key, minVersion: 'TLSv1.2', ...client } as const
}

/** The last request of each connection, and its answer. */
type Exchanges = WeakMap<Socket, Exchange>

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/**
 * What Node refuses before it is a request. Behind a whole request that is being answered, or one whose answer was the last of its
 * connection, nothing is said: it would be taken for the answer of that one, which may have been accepted.
 */
function answerBroken(error: NodeJS.ErrnoException, socket: Socket, before: Exchange | undefined): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  if (before?.request.complete) {
    const { response } = before
    if (!response.writableEnded) return void response.once('finish', () => socket.end())
    if (response.getHeader('connection') === 'close') return void socket.end()
  }
  const status = clientErrors[error.code ?? ''] ?? 400
  const text = problemText({ status, code: 'bad_request' })
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`
  const length = Buffer.byteLength(text)
  socket.end(`${line}\r\ncontent-type: ${problemType}\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${text}`)
}

const clientErrors: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

function cannotListen(error: unknown, host: string, port: number): EngineError {
  const cause = error as NodeJS.ErrnoException
  const details = { host, port }
  if (cause.code === 'EADDRINUSE') {
    const message = `port ${port} of ${host}, asked for by the HTTP door, is in use; choose another one with MILLRACE_DOOR_PORT (0 takes a free one)`
    return new EngineError('port_in_use', message, { cause, details })
  }
  const message = `the HTTP door cannot listen on ${host}:${port} (${messageOf(cause)}); see MILLRACE_DOOR_HOST and MILLRACE_DOOR_PORT`
  return new EngineError('cannot_listen', message, { cause, details })
}
