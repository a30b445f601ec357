/**
 * The payment and the ads provider and the streaming servers as a process of their own: `main.js --book FILE [--port N]
 * [--ads-port N] [--sessions-port N] [--outlive-parent]`. Says its ports as one line of JSON when it is ready. Its standard input is its lifeline: when
 * the parent dies, however it dies, the input ends and so does the provider.
 */
import { optionsOf, usageError } from '../../scripts/options.ts'
import { serveAds } from './ads.ts'
import { close, portOf } from './http.ts'
import { openPayments } from './payments.ts'
import { servePayments } from './server.ts'
import { serveSessions } from './sessions.ts'

const help = `provider/main.js --book FILE [options]

  --book FILE         where the payment provider keeps its book
  --port N            of the payment provider; those without a number are given by the system
  --ads-port N        of the ads provider
  --sessions-port N   of the streaming servers
  --outlive-parent    go on when whoever started it has died
  --help              this text`

const { values } = optionsOf(help, {
  book: { type: 'string' },
  port: { type: 'string', default: '0' },
  'ads-port': { type: 'string', default: '0' },
  'sessions-port': { type: 'string', default: '0' },
  'outlive-parent': { type: 'boolean', default: false },
})
if (values.book === undefined) usageError('the payment provider needs --book FILE, where it keeps its book', help)

const payments = await openPayments(values.book)
const servers = [
  await servePayments(Number(values.port), payments, values.book),
  await serveAds(Number(values['ads-port'])),
  await serveSessions(Number(values['sessions-port'])),
] as const

let stopping = false
process.on('SIGTERM', stop)
if (values['outlive-parent']) {
  process.on('SIGINT', stop)
} else {
  // Ctrl-C reaches the whole process group; the parent says when it has no more to ask.
  process.on('SIGINT', () => {})
  process.stdin.on('end', stop).on('error', stop).resume()
}
const [port, adsPort, sessionsPort] = servers.map(portOf)
console.log(JSON.stringify({ port, adsPort, sessionsPort, pid: process.pid }))

async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  await Promise.all(servers.map(close))
  await payments.close()
  process.exit(0)
}
