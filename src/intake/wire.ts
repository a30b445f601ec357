/**
 * The client's sockets. Certificates are read for each one anew, so that a file that was replaced counts from the next
 * connection on; and what goes wrong with one is said in words here, where it is still known what went wrong.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'
import { type TlsFiles, tlsOptions } from '../base/tls.ts'
import { tlsTrouble } from '../base/tls-trouble.ts'
import type { KafkaSettings } from './settings.ts'

const keepAliveMs = 60_000

export function socketsOf({ tls, sasl }: Pick<KafkaSettings, 'tls' | 'sasl'>): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const files = typeof tls === 'boolean' ? {} : tls
    const socket = tls === false ? connectPlain({ host, port }, onConnect) : secured(host, port, files, onConnect)
    socket.setKeepAlive(true, keepAliveMs)
    explain(socket, files)
    explainHangup(socket, tls !== false, sasl !== null)
    return socket
  }
}

/** A server name may not be an address: https://www.rfc-editor.org/rfc/rfc6066#section-3 */
function secured(host: string, port: number, files: TlsFiles, onConnect: () => void): Socket {
  return connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...tlsOptions(files) }, onConnect)
}

/** The client reads the message when it hears of the error, which is after us. */
function explain(socket: Socket, files: TlsFiles): void {
  socket.on('error', (error) => {
    const own = 'KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE'
    const reason = tlsTrouble(error, { ca: 'KAFKA_TLS_CA_FILE', own, cert: files.cert?.readOrNone() })
    if (reason !== null) error.message = reason
  })
}

/** A broker that is shut down or tidies up idle connections hangs up, too, but not at once. */
const atOnceMs = 1000

/** Whoever speaks to a broker as it was not meant is hung up on without a word. */
function explainHangup(socket: Socket, isTls: boolean, hasLogin: boolean): void {
  let connectedMs = Number.NEGATIVE_INFINITY
  socket.once(isTls ? 'secureConnect' : 'connect', () => (connectedMs = performance.now()))
  socket.on('end', () => {
    if (performance.now() - connectedMs > atOnceMs) return
    const wants = [...(isTls ? [] : ['TLS (KAFKA_TLS)']), ...(hasLogin ? [] : ['a login (KAFKA_SASL_MECHANISM)'])]
    if (wants.length > 0) {
      socket.emit('error', new Error(`the broker hung up at once: does it want ${wants.join(' or ')}?`))
    }
  })
}
