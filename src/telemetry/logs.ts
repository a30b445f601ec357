/** Structured logs: subscribes to every channel and writes JSON lines, or lines of text for people. */
import pino from 'pino'
import { type Facts, subscribe } from './channels.ts'
import { type Level, type ToldName, tellings } from './entries.ts'
import { Flood } from './flood.ts'
import { textLine } from './text-line.ts'
import { traceIdFrom } from './trace/ids.ts'

export interface LogOptions {
  readonly level: Level
  readonly format: 'json' | 'text'
  /** Also what functions write: it is in the ledger, and may be much. */
  readonly functions?: boolean
  /** Colours in text. */
  readonly colours?: boolean
  /** Takes whole lines. */
  readonly write: (line: string) => void
}

export interface Logs extends Disposable {
  stop(): void
}

type Say = (level: Level, message: string, details: object) => void

export function startLogs(options: LogOptions): Logs {
  const say = options.format === 'json' ? jsonLines(options) : textLines(options)
  const names = (Object.keys(tellings) as ToldName[]).filter((name) => name !== 'function.log' || options.functions)
  const stops = names.map((name) => listen(name, options.level, say))
  const stop = () => {
    for (const each of stops.splice(0)) each()
  }
  return { stop, [Symbol.dispose]: stop }
}

function listen<Name extends ToldName>(name: Name, least: Level, say: Say): () => void {
  const { many, say: telling } = tellings[name]
  const flood = many === undefined ? null : new Flood((count) => say('warn', `${count} more ${many}`, { fact: name }))
  const unsubscribe = subscribe(name, (fact: Facts[Name]) => {
    const { level, message } = telling(fact)
    if (order[level] < order[least] || (flood && level !== 'debug' && !flood.admits())) return
    say(level, message, { fact: name, ...detailsOf(fact) })
  })
  return () => {
    unsubscribe()
    flood?.flush()
  }
}

const order: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Said in the line already, or nothing for it. */
const unsaid: ReadonlySet<string> = new Set(['message', 'text', 'batch', 'traceparent'])

function detailsOf(fact: object): object {
  const { level, message, transactionId, traceparent } = fact as Readonly<Record<string, string | undefined>>
  const details = Object.fromEntries(Object.entries(fact).filter(([name]) => !unsaid.has(name)))
  if (level !== undefined) delete details.level
  else if (message !== undefined) details.cause = message
  // As OpenTelemetry names it where logs are not its own.
  if (transactionId !== undefined) details.trace_id = traceIdFrom(transactionId, traceparent)
  return details
}

function jsonLines({ level, write }: LogOptions): Say {
  const logger = pino(
    { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: nameLevel } },
    { write },
  )
  return (at, message, details) => logger[at](details, message)
}

function nameLevel(level: string): { level: string } {
  return { level }
}

function textLines({ colours = false, write }: LogOptions): Say {
  return (level, message, details) => write(textLine(new Date(), level, message, details, colours))
}
